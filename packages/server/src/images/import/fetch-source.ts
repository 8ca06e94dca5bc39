import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HostError } from '@berth/contract/host/host-error'
import { download, type DownloadOptions } from './pinned-download.ts'

export interface FetchOptions extends Omit<DownloadOptions, 'signal'> {
  /** Lower-case hex of what the file must be. */
  readonly sha256: string
  /** Bytes that are taken at most. */
  readonly maxBytes: number
  /** Seconds that all of it may take. */
  readonly timeoutSeconds: number
  /** Told how many bytes have come, and of how many; null when that is not known. */
  readonly onBytes: (bytes: number, total: number | null) => void
}

/**
 * Copies a file, or what a URL answers, to `target`, and hashes it on the way.
 * @throws HostError when it cannot be read, is too large, takes too long, or is not what `sha256` says
 */
export async function fetchSource(source: string, target: string, options: FetchOptions): Promise<void> {
  const signal = AbortSignal.timeout(options.timeoutSeconds * 1000)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    const { body, length } = await open(source, options, signal)
    if (length !== null) await checkRoom(length, target, options.maxBytes)
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length
        if (bytes > options.maxBytes) return done(tooLarge(options.maxBytes))
        hash.update(chunk)
        options.onBytes(bytes, length)
        done(null, chunk)
      },
    })
    await pipeline(body, meter, createWriteStream(target, { flags: 'wx', mode: 0o644 }), { signal })
    if (length !== null && bytes !== length) {
      throw new HostError(`Only ${bytes} of ${length} bytes of the image arrived. Try again.`)
    }
  } catch (error) {
    if (signal.aborted) {
      throw new HostError(
        `The image did not arrive within ${options.timeoutSeconds} s (${bytes} bytes came). Allow more with --timeout.`,
        { cause: error },
      )
    }
    if (error instanceof HostError) throw error
    throw new HostError(`The image could not be copied: ${(error as Error).message}.`, { cause: error })
  }
  const found = hash.digest('hex')
  if (found === options.sha256) return
  throw new HostError(
    `The image is not the one that was asked for: its sha256 is ${found}, not ${options.sha256}. Nothing was imported.`,
    { retryable: false },
  )
}

async function open(
  source: string,
  options: FetchOptions,
  signal: AbortSignal,
): Promise<{ body: Readable; length: number | null }> {
  if (isUrl(source)) return await download(new URL(source), { ...options, signal })
  const info = await stat(source).catch((error: unknown) => {
    throw new HostError(`${source} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    })
  })
  if (!info.isFile()) throw new HostError(`${source} is not a file.`, { retryable: false })
  return { body: createReadStream(source), length: info.size }
}

/** Whether the text is a URL rather than a path. */
export function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source) && URL.canParse(source)
}

async function checkRoom(length: number, target: string, maxBytes: number): Promise<void> {
  if (length > maxBytes) throw tooLarge(maxBytes)
  const { bavail, bsize } = await statfs(dirname(target))
  // The copy and the image that is made of it lie beside each other for a while.
  const needed = 2 * length
  if (bavail * bsize >= needed) return
  const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`
  throw new HostError(
    `Importing needs about ${mib(needed)} below ${dirname(target)}, and ${mib(bavail * bsize)} are free. Free some space.`,
  )
}

function tooLarge(maxBytes: number): HostError {
  return new HostError(
    `The image is larger than ${Math.floor(maxBytes / 2 ** 20)} MiB. Allow more with --max-size.`,
    { retryable: false },
  )
}
