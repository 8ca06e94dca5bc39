import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { onTestFinished } from 'vitest'

/**
 * A new folder, removed when the running test ends, or, when made outside a test (beforeAll), when its
 * worker process ends. Its path is short, because a socket's path has at most 107 bytes (unix(7)), and its
 * mode is 0711, so that an unprivileged QEMU reaches files whose names it knows.
 */
export async function tempDir(): Promise<string> {
  const path = await mkdtemp('/tmp/bt-')
  await chmod(path, 0o711)
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 3 })
  try {
    onTestFinished(remove)
  } catch {
    process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  }
  return path
}
