import { rename } from 'node:fs/promises'
import { discard } from './discard.ts'

/**
 * Moves a complete image's directory to its place. Another builder's complete image that is there already wins.
 * @param read the image that a directory holds whole; null where it does not
 * @returns the image that has the place now
 */
export async function publishDirectory<Image>(
  cacheDir: string,
  built: string,
  target: string,
  read: (directory: string) => Promise<Image | null>,
): Promise<Image> {
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(built, target)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (attempt > 3 || (code !== 'ENOTEMPTY' && code !== 'EEXIST')) throw error
      // A directory that holds no whole image only stands in the way.
      if ((await read(target)) === null) {
        await discard(cacheDir, target)
        continue
      }
    }
    const image = await read(target)
    if (image !== null) return image
    if (attempt > 3) throw new Error(`${target} vanished while it was stored`)
  }
}
