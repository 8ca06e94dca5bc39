import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runCommand } from '../../packages/server/src/images/run-command.ts'
import { pushLayout, startRegistryOn } from '../support/container-registry.ts'
import { baseLayer } from './base-layer.ts'
import { madeOnce } from './made-once.ts'
import { type Layer, packLayer, writeOciLayout } from './oci-layout.ts'
import { type StandIn, standIns } from './stand-ins.ts'

/** Storage of a registry that holds every stand-in; made the first time, which takes minutes. */
export async function standInStorage(): Promise<string> {
  return madeOnce(`registry-${await digestOfAll()}`, async (output, work) => {
    const registry = await startRegistryOn(output)
    try {
      for (const [index, standIn] of standIns.entries()) {
        const place = join(work, `${index}`)
        await mkdir(place)
        await pushLayout(registry, await layoutOf(standIn, place), standIn.name)
      }
    } finally {
      await registry.stop()
    }
  })
}

async function layoutOf(standIn: StandIn, work: string): Promise<string> {
  const base = await baseLayer(standIn.base)
  const tree = join(work, 'tree')
  for (const [path, source] of Object.entries(standIn.files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true })
    await copyFile(source, join(tree, path))
    await chmod(join(tree, path), 0o755)
  }
  const members = [...new Set(Object.keys(standIn.files).map((path) => path.split('/')[0] ?? path))]
  const layers = [base, await layerOf(tree, members, join(work, 'own'))]
  for (let number = layers.length; number < (standIn.layers ?? 0); number++) {
    const more = join(work, `more-${number}`)
    await mkdir(join(more, 'opt/layers'), { recursive: true })
    await writeFile(join(more, 'opt/layers', `${number}`), '')
    layers.push(await layerOf(more, ['opt'], more))
  }
  const layout = join(work, 'layout')
  await writeOciLayout(layout, layers, standIn.config)
  return layout
}

/** A layer of these members of a tree: whatever the umask was, and always the same. */
async function layerOf(tree: string, members: readonly string[], path: string): Promise<Layer> {
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=0755']
  await runCommand('tar', [...same, '-cf', `${path}.tar`, '-C', tree, ...members], {
    timeoutMs: 60_000,
    debianPackage: 'tar',
  })
  return packLayer(`${path}.tar`, `${path}.tar.gz`)
}

async function digestOfAll(): Promise<string> {
  const hash = createHash('sha256')
  for (const { name, base, files, config, layers } of standIns) {
    const { suite, variant, packages } = base
    hash.update(JSON.stringify([name, suite, variant, packages, config, layers]))
    // By content: where the checkout lies must not matter.
    for (const [path, source] of Object.entries({ ...base.files, ...files })) {
      hash.update(`\0${path}\0`).update(await readFile(source))
    }
  }
  return hash.digest('hex').slice(0, 16)
}
