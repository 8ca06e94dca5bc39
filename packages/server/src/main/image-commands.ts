import { buildImage } from '../images/build-image.ts'
import type { GuestImage } from '../images/guest-image.ts'
import { findImage, listImages } from '../images/image-store.ts'
import { imageNames } from '../images/recipes.ts'
import { createProgressBar } from '../images/progress-bar.ts'
import type { Config } from './config.ts'
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

/** `berth image list`. */
export async function listImagesCommand(config: Config): Promise<void> {
  const images = await listImages(config.cache)
  if (images.length === 0) {
    process.stdout.write(`No guest images in ${config.cache}. Build one with: berth image build debian-12\n`)
    return
  }
  const current = await Promise.all(imageNames.map((name) => findImage(config.cache, name)))
  const rows = images.map((image) => [
    image.name,
    current.some((found) => found?.digest === image.digest) ? 'current' : 'old',
    image.bootMode,
    image.defaultUser,
    sizeText(image.sizeBytes),
    image.createdAt.slice(0, 16).replace('T', ' '),
    image.digest.slice(0, 12),
  ])
  process.stdout.write(table(['NAME', 'BUILD', 'BOOT', 'USER', 'SIZE', 'BUILT', 'DIGEST'], rows))
}

function sizeText(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`
}
