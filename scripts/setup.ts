import { join } from 'node:path'
import { argv, getuid, stderr } from 'node:process'
import { HostError } from '@berth/contract/host/host-error'
import { buildImage } from '../packages/server/src/images/build-image.ts'
import { imageCacheDir } from '../packages/server/src/images/cache-dir.ts'
import { createProgressBar, type ProgressBar } from '../packages/server/src/images/progress-bar.ts'
import { linkCommand } from './command-link.ts'
import { ensureDebianHost, SetupError } from './debian-host.ts'

const BERTH = join(import.meta.dirname, '../bin/berth')

/** The images that machines boot, and those that services need. */
const machineImages = ['tiny', 'debian-12']
const serviceImages = ['debian-12-services']

async function ensureImage(name: string): Promise<void> {
  let bar: ProgressBar | undefined
  try {
    await buildImage(name, {
      cacheDir: imageCacheDir(),
      onProgress: (progress) => {
        // An image that is in the cache reports nothing but its end, which is not worth a line.
        if (!bar && progress.fraction >= 1) return
        if (!bar) console.error(`setup: building the guest image ${name}`)
        bar ??= createProgressBar(stderr)
        bar.update(progress)
      },
    })
  } finally {
    bar?.finish()
  }
}

async function prepareHost(): Promise<void> {
  ensureDebianHost()
  if (argv.includes('--no-images')) return
  const names = argv.includes('--no-services') ? machineImages : [...machineImages, ...serviceImages]
  for (const name of names) await ensureImage(name)
}

try {
  if (!argv.includes('--simulated')) await prepareHost()
  const said = argv.includes('--no-link') ? null : linkCommand(BERTH, getuid?.() === 0)
  if (said !== null) console.error(`setup: ${said}`)
} catch (error) {
  if (!(error instanceof SetupError || error instanceof HostError)) throw error
  console.error(`setup: ${error.message}`)
  if (error instanceof HostError && error.remedy !== undefined) console.error(`  Next: ${error.remedy}`)
  process.exitCode = 1
}
