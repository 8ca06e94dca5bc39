import { acceleratorVerdict } from '../drivers/qemu/accelerator.ts'
import { listImages } from '../images/image-store.ts'
import type { Config } from './config.ts'
import { isExplained, probeImage, qemuDriver } from './host.ts'

/** One thing that was looked at. */
interface Finding {
  readonly ok: boolean
  readonly what: string
  readonly detail: string
}

/** `berth doctor`: what this host can run, and what is missing; exits 1 when something is. */
export async function doctorCommand(config: Config, recheck: boolean): Promise<void> {
  const findings = [
    await check('Guests', async () => {
      await qemuDriver(config, 'doctor').prepare()
      return 'QEMU and its tools are here'
    }),
    await check('Accelerator', async () => {
      const options = {
        installId: 'doctor',
        stateDir: config.state,
        cacheDir: config.cache,
        accelerator: config.accelerator,
        guestUser: config.guestUser,
        probeImage: () => probeImage(config.cache),
        refresh: recheck,
      }
      const { accelerator, reason } = await acceleratorVerdict(options)
      return `${accelerator}: ${reason}`
    }),
    await check('Guest images', async () => {
      const names = [...new Set((await listImages(config.cache)).map((image) => image.name))]
      if (names.includes('debian-12')) return names.join(', ')
      throw new Error(`debian-12 is missing in ${config.cache}. Build it with: berth image build debian-12`)
    }),
  ]
  for (const { ok, what, detail } of findings) {
    process.stdout.write(`${ok ? 'ok     ' : 'MISSING'}  ${what.padEnd(13)} ${detail}\n`)
  }
  if (findings.some((finding) => !finding.ok)) process.exitCode = 1
}

async function check(what: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { ok: true, what, detail: await look() }
  } catch (error) {
    if (isExplained(error) || error instanceof Error) return { ok: false, what, detail: error.message }
    throw error
  }
}
