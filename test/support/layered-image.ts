import { randomBytes } from 'node:crypto'
import { chmod, chown, link, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../packages/server/src/images/run-command.ts'
import { type Layer, packLayer, writeOciLayout } from '../images/oci-layout.ts'
import { pushLayout, type TestRegistry } from './container-registry.ts'
import { tempDir } from './temp-dir.ts'

/** Bytes of the first layer that do not pack. */
export const LAYER_BYTES = 3 * 2 ** 20

/**
 * Pushes a small image of three layers with what file systems get wrong: an owner, a program that runs as root, a
 * link, a file and a directory's content that the second layer takes away, and a hard link of the third to a file of
 * the first. No two are the same.
 * @param claimed what the configuration says of each layer's content, `sha256:…`; the truth, when left out
 */
export async function pushLayeredImage(
  registry: TestRegistry,
  name: string,
  packing: Layer['packing'] = 'gzip',
  claimed?: string,
): Promise<void> {
  const directory = await tempDir()
  const tree = (path: string) => join(directory, path)
  for (const path of ['lower/etc', 'lower/opt', 'lower/usr/bin', 'upper/etc', 'upper/opt', 'top/etc']) {
    await mkdir(tree(path), { recursive: true })
  }
  await writeFile(tree('lower/blob'), randomBytes(LAYER_BYTES))
  await writeFile(tree('lower/etc/gone'), 'gone')
  await writeFile(tree('lower/etc/owned'), 'owned')
  await chown(tree('lower/etc/owned'), 1000, 100)
  await chmod(tree('lower/etc/owned'), 0o640)
  await writeFile(tree('lower/usr/bin/tool'), 'tool')
  await chmod(tree('lower/usr/bin/tool'), 0o4755)
  await symlink('usr/bin', tree('lower/bin'))
  await writeFile(tree('lower/opt/old'), 'old')
  // Whiteouts (OCI image layer specification).
  await writeFile(tree('upper/etc/.wh.gone'), '')
  await writeFile(tree('upper/opt/.wh..wh..opq'), '')
  await writeFile(tree('upper/opt/new'), 'new')
  await writeFile(tree('top/etc/owned'), 'owned')
  await link(tree('top/etc/owned'), tree('top/linked'))
  const layers = []
  for (const layer of ['lower', 'upper', 'top']) {
    await tar('-C', tree(layer), '--sort=name', '-cf', tree(`${layer}.tar`), '.')
    // The name that was archived first is the file, the other a link to it.
    if (layer === 'top') await tar('--delete', '-f', tree('top.tar'), './etc/owned')
    const packed = await packLayer(tree(`${layer}.tar`), tree(`${layer}.packed`), packing)
    layers.push({ ...packed, diffId: claimed ?? packed.diffId })
  }
  await writeOciLayout(tree('layout'), layers, { Cmd: ['/usr/bin/tool'] })
  await pushLayout(registry, tree('layout'), name)
}

async function tar(...words: string[]): Promise<void> {
  await runCommand('tar', words, { timeoutMs: 20_000, debianPackage: 'tar' })
}
