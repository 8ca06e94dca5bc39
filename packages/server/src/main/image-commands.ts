import { buildImage } from '../images/build-image.ts'
import type { GuestImage } from '../images/guest-image.ts'
import { findImage, listImages } from '../images/image-store.ts'
import { createProgressBar } from '../images/progress-bar.ts'
import { removeUnusedImages } from '../images/remove-unused.ts'
import { ConfigError, type Config } from './config.ts'
import { containerTable, listedContainers } from './container-commands.ts'
import { reportUsed, sizeText, statesOf } from './image-report.ts'
import { table } from './text-table.ts'

/** `berth image build NAME`. @throws HostError when it cannot be built */
export async function buildImageCommand(config: Config, name: string, force: boolean): Promise<void> {
  const bar = createProgressBar(process.stderr)
  let image: GuestImage
  try {
    image = await buildImage(name, { cacheDir: config.cache, force, onProgress: bar.update })
  } finally {
    bar.finish()
  }
  process.stdout.write(`${image.name}  ${sizeText(image.sizeBytes)}  ${image.digest.slice(0, 12)}\n`)
}

/** `berth image list [--json]`. */
export async function listImagesCommand(config: Config, json: boolean): Promise<void> {
  const images = await listedImages(config)
  if (json) {
    const all = { guestImages: images, containerImages: await listedContainers(config) }
    process.stdout.write(`${JSON.stringify(all)}\n`)
    return
  }
  const containers = await containerTable(config)
  if (images.length === 0) {
    process.stdout.write(`No guest images in ${config.cache}. Build one with: berth image build debian-12\n`)
    process.stdout.write(containers && `\n${containers}`)
    return
  }
  const rows = images.map((image) => [
    image.name,
    image.current ? 'current' : 'old',
    image.bootMode,
    image.defaultUser,
    sizeText(image.sizeBytes),
    image.createdAt.slice(0, 16).replace('T', ' '),
    image.digest.slice(0, 12),
  ])
  process.stdout.write(table(['NAME', 'BUILD', 'BOOT', 'USER', 'SIZE', 'BUILT', 'DIGEST'], rows))
  process.stdout.write(containers && `\n${containers}`)
}

/** The guest images of the cache; `current` is the one of its name that new guests take. */
async function listedImages({ cache }: Config) {
  const images = await listImages(cache)
  const names = [...new Set(images.map((image) => image.name))]
  const newest = await Promise.all(names.map((name) => findImage(cache, name)))
  return images.map(({ name, digest, bootMode, defaultUser, sizeBytes, createdAt }) => {
    const current = newest.some((found) => found?.digest === digest && found.createdAt === createdAt)
    return { name, digest, current, bootMode, defaultUser, sizeBytes, createdAt }
  })
}

/** `berth image rm NAME[@DIGEST]`: images in use stay, are named, and make the exit code 1. */
export async function removeImageCommand(config: Config, reference: string): Promise<void> {
  const [name = '', digest, ...rest] = reference.split('@')
  if (rest.length > 0 || (digest !== undefined && !/^[0-9a-f]{8,64}$/.test(digest))) {
    throw new ConfigError(`${reference}: must be NAME or NAME@DIGEST, with 8 or more digits of the digest.`)
  }
  const { removed, used } = await removeUnusedImages(config.cache, name, digest, await statesOf(config))
  for (const image of removed) process.stdout.write(`removed  ${name}@${image.digest.slice(0, 12)}\n`)
  for (const { image, users } of used) reportUsed(`${name}@${image.digest.slice(0, 12)}`, users)
}
