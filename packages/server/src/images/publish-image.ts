import type { GuestImage } from './guest-image.ts'
import { imageFromManifest, readManifest } from './manifest.ts'
import { publishDirectory } from './publish-directory.ts'

/** Moves a complete guest image to its place. Another builder's complete image that is there already wins. */
export async function publishImage(cacheDir: string, built: string, target: string): Promise<GuestImage> {
  return publishDirectory(cacheDir, built, target, async (directory) => {
    const manifest = await readManifest(directory)
    return manifest && imageFromManifest(directory, manifest)
  })
}
