import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../packages/server/src/images/run-command.ts'
import { packLayer, writeOciLayout } from '../images/oci-layout.ts'
import { pushLayout, type TestRegistry } from './container-registry.ts'
import { tempDir } from './temp-dir.ts'

/** Bytes of the first layer that do not pack. */
export const LAYER_BYTES = 3 * 2 ** 20

/**
 * Pushes a small image of two layers with what file systems get wrong: an owner, a program that runs as root, a
 * link, a file and a directory's content that the second layer takes away. No two are the same.
 */
export async function pushLayeredImage(registry: TestRegistry, name: string): Promise<void> {
  const directory = await tempDir()
  const [lower, upper] = [join(directory, 'lower'), join(directory, 'upper')]
  for (const path of ['lower/etc', 'lower/opt', 'lower/usr/bin', 'upper/etc', 'upper/opt']) {
    await mkdir(join(directory, path), { recursive: true })
  }
  await writeFile(join(lower, 'blob'), randomBytes(LAYER_BYTES))
  await writeFile(join(lower, 'etc/gone'), 'gone')
  await writeFile(join(lower, 'etc/owned'), 'owned')
  await chown(join(lower, 'etc/owned'), 1000, 100)
  await chmod(join(lower, 'etc/owned'), 0o640)
  await writeFile(join(lower, 'usr/bin/tool'), 'tool')
  await chmod(join(lower, 'usr/bin/tool'), 0o4755)
  await symlink('usr/bin', join(lower, 'bin'))
  await writeFile(join(lower, 'opt/old'), 'old')
  // Whiteouts (OCI image layer specification).
  await writeFile(join(upper, 'etc/.wh.gone'), '')
  await writeFile(join(upper, 'opt/.wh..wh..opq'), '')
  await writeFile(join(upper, 'opt/new'), 'new')
  const layers = []
  for (const tree of [lower, upper]) {
    await runCommand('tar', ['-C', tree, '-cf', `${tree}.tar`, '.'], {
      timeoutMs: 20_000,
      debianPackage: 'tar',
    })
    layers.push(await packLayer(`${tree}.tar`, `${tree}.tar.gz`))
  }
  const layout = join(directory, 'layout')
  await writeOciLayout(layout, layers, { Cmd: ['/usr/bin/tool'] })
  await pushLayout(registry, layout, name)
}
