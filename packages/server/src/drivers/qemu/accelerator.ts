import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { bootProbe, type ProbeHost, type ProbeImage } from './accelerator-probe.ts'
import { lookupGuestAccount } from './guest-account.ts'
import { kvmAccess, statKvm } from './host-devices.ts'
import { commitFile } from './machine-files.ts'
import { tryCommand } from '../../host/run-command.ts'

/** What runs guests on this host, and why. */
export interface AcceleratorVerdict {
  readonly accelerator: 'kvm' | 'tcg'
  /** One or two sentences for a person; says what to do where something can be done. */
  readonly reason: string
  /** When it was found out (ISO 8601). */
  readonly checkedAt: string
  /** Stands for everything that the verdict depends on. */
  readonly fingerprint: string
}

export interface AcceleratorOptions {
  readonly installId: string
  readonly stateDir: string
  readonly cacheDir: string
  /** `auto` finds out; the others decide, without a probe. */
  readonly accelerator: 'auto' | 'kvm' | 'tcg'
  readonly guestUser: string
  readonly qemuBinary?: string
  /** The image that the probe boots; null, or absent, when there is none yet. */
  readonly probeImage?: ProbeImage | (() => Promise<ProbeImage | null>)
  /** Probes again although a verdict is cached. */
  readonly refresh?: boolean
}

/** Boots an image under KVM; answers null when that worked, else why it did not. */
export type Prober = (image: ProbeImage, host: ProbeHost) => Promise<string | null>

export const defaultQemuBinary = 'qemu-system-x86_64'

/**
 * Decides between KVM and software emulation. That /dev/kvm opens proves nothing (nested and
 * paravirtual KVMs accept a guest and then hang it), so under `auto` a tiny Linux guest has to answer.
 * The verdict is kept in CACHE/accelerator.json until the kernel, QEMU, CPU or /dev/kvm changes.
 */
export async function acceleratorVerdict(
  options: AcceleratorOptions,
  prober: Prober = async (image, host) => await bootProbe('kvm', image, host),
): Promise<AcceleratorVerdict> {
  const account = await lookupGuestAccount(options.guestUser)
  const qemuBinary = options.qemuBinary ?? defaultQemuBinary
  const device = await statKvm()
  const { mode, uid, gid } = device ?? { mode: 0, uid: 0, gid: 0 }
  const facts = [release(), await qemuVersion(qemuBinary), cpus()[0]?.model, mode, uid, gid, account.uid]
  const fingerprint = createHash('sha256').update(JSON.stringify(facts)).digest('hex')
  const verdict = (accelerator: 'kvm' | 'tcg', reason: string): AcceleratorVerdict => ({
    accelerator,
    reason,
    checkedAt: new Date().toISOString(),
    fingerprint,
  })

  if (options.accelerator !== 'auto') return verdict(options.accelerator, 'The configuration says so.')
  const cached = options.refresh === true ? undefined : await readCached(options.cacheDir)
  if (cached?.fingerprint === fingerprint) return cached

  const access = kvmAccess(device, account)
  if (!access.usable) {
    return await keep(options.cacheDir, verdict('tcg', `Guests run in software emulation: ${access.reason}.`))
  }
  const { probeImage } = options
  const image = typeof probeImage === 'function' ? await probeImage() : probeImage
  if (image === null || image === undefined) {
    const reason = 'Guests run in software emulation until KVM is proven. Run: berth image build tiny'
    return verdict('tcg', reason)
  }
  const host = { installId: options.installId, stateDir: options.stateDir, account, qemuBinary }
  const failure = await prober(image, access.group === undefined ? host : { ...host, group: access.group })
  const found =
    failure === null
      ? verdict('kvm', 'A Linux guest booted under KVM.')
      : verdict('tcg', `Guests run in software emulation: under KVM ${lowerFirst(failure)}`)
  return await keep(options.cacheDir, found)
}

/** Version of QEMU, such as `7.2.22`. Throws a HostError when the program is missing or broken. */
async function qemuVersion(binary: string): Promise<string> {
  const { code, stdout: text, stderr } = await tryCommand(binary, ['--version'])
  if (code !== 0) {
    const said = stderr.trim().slice(-300) || `exit code ${code}`
    throw new HostError(`QEMU does not run on this host: ${binary} --version: ${said}.`, {
      retryable: false,
      remedy: 'apt-get install --reinstall qemu-system-x86',
    })
  }
  return /version ([0-9.]+)/.exec(text)?.[1] ?? text.slice(0, 100)
}

function cachePath(cacheDir: string): string {
  return join(cacheDir, 'accelerator.json')
}

async function readCached(cacheDir: string): Promise<AcceleratorVerdict | undefined> {
  try {
    const value = JSON.parse(await readFile(cachePath(cacheDir), 'utf8')) as Record<string, unknown>
    const { accelerator, reason, checkedAt, fingerprint } = value
    const texts = [reason, checkedAt, fingerprint].every((text) => typeof text === 'string')
    const known = accelerator === 'kvm' || accelerator === 'tcg'
    return texts && known ? (value as unknown as AcceleratorVerdict) : undefined
  } catch {
    return undefined
  }
}

async function keep(cacheDir: string, verdict: AcceleratorVerdict): Promise<AcceleratorVerdict> {
  await mkdir(cacheDir, { recursive: true, mode: 0o755 })
  const temporary = `${cachePath(cacheDir)}.${randomUUID()}.new`
  const file = await open(temporary, 'wx', 0o644)
  await file.writeFile(`${JSON.stringify(verdict, null, 2)}\n`).finally(() => file.close())
  await commitFile(temporary, cachePath(cacheDir))
  return verdict
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
