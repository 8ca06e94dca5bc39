import { resolve } from 'node:path'
import { lookupGuestAccount } from '../drivers/qemu/guest-account.ts'
import { isUrl } from '../images/import/fetch-source.ts'
import { importImage } from '../images/import/import-image.ts'
import { createProgressBar } from '../images/progress-bar.ts'
import { ConfigError, type Config } from './config.ts'

/** What `berth image import` is told, as it stands on the command line. */
export interface ImportFlags {
  readonly sha256: string
  readonly user: string
  /** GiB. */
  readonly maxSize: string
  /** Seconds. */
  readonly timeout: string
  readonly allowPrivate?: boolean
}

/** `berth image import NAME FILE|URL`. @throws HostError when it cannot be imported */
export async function importImageCommand(
  config: Config,
  name: string,
  source: string,
  flags: ImportFlags,
): Promise<void> {
  const bar = createProgressBar(process.stderr)
  try {
    const image = await importImage(name, isUrl(source) ? source : resolve(source), {
      cacheDir: config.cache,
      sha256: flags.sha256.toLowerCase(),
      defaultUser: flags.user,
      maxBytes: positive('--max-size', flags.maxSize) * 2 ** 30,
      timeoutSeconds: positive('--timeout', flags.timeout),
      allowPrivate: flags.allowPrivate === true,
      // Root gives up its rights where it parses what it does not trust; others have none to give up.
      confinement: process.getuid?.() === 0 ? await lookupGuestAccount(config.guestUser) : null,
      onProgress: bar.update,
    })
    bar.finish()
    process.stdout.write(
      `${image.name}  ${Math.ceil(image.sizeBytes / 2 ** 20)} MiB  ${image.digest.slice(0, 12)}\n`,
    )
    process.stdout.write(`Profiles use it with guestImage: ${image.name}\n`)
  } catch (error) {
    bar.finish()
    throw error
  }
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0 && value <= 1_000_000) return value
  throw new ConfigError(`${option}: must be a number above 0.`)
}
