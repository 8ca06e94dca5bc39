import { constants } from 'node:fs'
import { chmod, chown, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { Overrun, tryCommand } from '../../host/run-command.ts'
import { runCommand } from '../run-command.ts'

/** A user without rights, who runs what parses files that are not trusted yet. */
export interface Confinement {
  readonly uid: number
  readonly gid: number
}

/** Bytes of address space and seconds of processor time: a crafted image can make qemu-img ask for any amount. */
const memoryLimit = 2 ** 31
const convertTimeoutMs = 1_800_000

/** The words that run qemu-img as that user, without capabilities or a way to regain them, within limits. */
function confined(confinement: Confinement | null, cpuSeconds: number): string[] {
  const limits = ['prlimit', `--as=${memoryLimit}`, `--cpu=${cpuSeconds}`, '--core=0']
  if (confinement === null) return limits
  const { uid, gid } = confinement
  const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return ['setpriv', ...user, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', ...limits]
}

async function qemuImg(
  confinement: Confinement | null,
  words: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const [program, ...rest] = [...confined(confinement, timeoutMs / 1000), 'qemu-img', ...words]
  return await runCommand(program!, rest, { timeoutMs, debianPackage: 'qemu-utils' })
}

/** How qemu-img(1) check ends of an image that is whole, or only wastes space. */
const WHOLE_CODES: readonly (number | null)[] = [0, 3]

/**
 * Has QEMU compare a qcow2 image's tables with its file: what is missing at its end would be read as zeros.
 * @throws HostError when they do not fit
 */
export async function checkTables(path: string, confinement: Confinement | null): Promise<void> {
  const timeoutMs = 600_000
  const words = [...confined(confinement, timeoutMs / 1000), 'qemu-img', 'check', '-q', '-f', 'qcow2', path]
  const damaged = new HostError(
    'The image cannot be imported: it is damaged, as one that was not copied whole (qemu-img check tells more).',
    { retryable: false },
  )
  try {
    const { code } = await tryCommand(words[0]!, words.slice(1), { timeoutMs })
    if (!WHOLE_CODES.includes(code)) throw damaged
  } catch (error) {
    throw error instanceof Overrun && error.of === 'output' ? damaged : error
  }
}

/**
 * Asks QEMU what it makes of an image of that format.
 * @throws HostError when it is damaged or refers to another file
 */
export async function checkWithQemu(
  path: string,
  format: 'qcow2' | 'raw',
  confinement: Confinement | null,
): Promise<void> {
  const text = await qemuImg(confinement, ['info', '--output=json', '-f', format, path], 60_000)
  const info = JSON.parse(text) as Record<string, unknown> & {
    'format-specific'?: { data?: Record<string, unknown> }
  }
  const refers = ['backing-filename', 'full-backing-filename'].some((name) => info[name] !== undefined)
  if (refers || info['format-specific']?.data?.['data-file'] !== undefined) {
    throw new HostError('The image cannot be imported: it refers to another file.', { retryable: false })
  }
  if (info['encrypted'] === true) {
    throw new HostError('The image cannot be imported: it is encrypted.', { retryable: false })
  }
}

/**
 * Writes what an image holds as a plain qcow2 file at `target`, owned by the caller.
 * @param workDir a directory of the caller's, in which one is made for the confined user
 */
export async function convertToQcow2(
  source: { readonly path: string; readonly format: 'qcow2' | 'raw' },
  target: string,
  workDir: string,
  confinement: Confinement | null,
): Promise<void> {
  const directory = join(workDir, 'converted')
  await mkdir(directory)
  await chmod(directory, 0o755)
  if (confinement) await chown(directory, confinement.uid, confinement.gid)
  const made = join(directory, 'disk.qcow2')
  const words = ['convert', '-f', source.format, '-O', 'qcow2', '-o', 'compat=1.1', source.path, made]
  await qemuImg(confinement, words, convertTimeoutMs)
  // From here on nobody else may change what was made; a link put in its place is not followed.
  if (confinement) await chown(directory, process.getuid!(), process.getgid!())
  const file = await open(made, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!(await file.stat()).isFile()) throw new HostError('The image could not be converted.')
    if (confinement) await file.chown(process.getuid!(), process.getgid!())
  } finally {
    await file.close()
  }
  await rename(made, target)
}
