import { rename } from 'node:fs/promises'
import type { GuestImage } from './guest-image.ts'
import { discard } from './image-store.ts'
import { imageFromManifest, readManifest } from './manifest.ts'

/** Moves a complete image to its place. Another builder's complete image that is there already wins. */
export async function publishImage(cacheDir: string, built: string, target: string): Promise<GuestImage> {
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(built, target)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (attempt > 3 || (code !== 'ENOTEMPTY' && code !== 'EEXIST')) throw error
      // A directory without a manifest is no image, and only stands in the way.
      if (!(await readManifest(target))) {
        await discard(cacheDir, target)
        continue
      }
    }
    const manifest = await readManifest(target)
    if (manifest) return imageFromManifest(target, manifest)
    if (attempt > 3) throw new Error(`${target} vanished while it was stored`)
  }
}
