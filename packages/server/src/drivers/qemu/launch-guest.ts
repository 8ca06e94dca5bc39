import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { HostError } from '@berth/contract/host/host-error'
import { diskComplaint } from './disk-damage.ts'
import { confinedAs, type GuestAccount } from './guest-account.ts'
import { isLauncher } from './guest-process.ts'
import { isSystemdHost, scopeArguments } from './guest-scope.ts'
import { guestText } from './guest-text.ts'
import { isInstalled } from './host-requirements.ts'
import { openPlainFile, type MachineFiles } from './machine-files.ts'
import { qemuArguments, type QemuPlan } from './qemu-arguments.ts'
import { QmpClient } from './qmp-client.ts'
import { startNote } from './start-note.ts'
import { missingProgram } from '../../host/missing-program.ts'
import { commandEnvironment } from '../../host/run-command.ts'

export interface LaunchOptions {
  readonly files: MachineFiles
  readonly account: GuestAccount
  readonly qemuBinary: string
  /** Network namespace that the process lives in; null: the host's own. */
  readonly namespace: string | null
  /** What the process is to carry; see start-note.ts. */
  readonly note?: string
  /** Group that opens /dev/kvm, when it takes one. */
  readonly group?: number
  /** Milliseconds until QEMU must answer (30 s). */
  readonly startTimeoutMs?: number
  /** The kernel ends the guest with the server; a machine outlives it. */
  readonly diesWithServer?: boolean
  /** Whether a machine becomes a scope of systemd; where systemd runs the host unless told. */
  readonly scoped?: boolean
}

/** How flock(1) says that somebody else holds the lock; none of the launchers uses it. */
const lockedExitCode = 97

const namespaceName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/

/**
 * Words that start a machine: flock(1) takes the lock of the machine's directory and leaves it to QEMU,
 * which holds it until it ends, so that a second start fails before it can touch the first one's sockets.
 * Every launcher replaces itself with the next, so the first's pid is QEMU's. Under systemd a scope comes first.
 */
export function launchArguments(plan: QemuPlan, options: LaunchOptions): string[] {
  const { namespace, group, files } = options
  if (namespace !== null && !namespaceName.test(namespace)) {
    throw new HostError('The machine cannot start: its network namespace has no valid name.', {
      retryable: false,
    })
  }
  const scoped = (options.scoped ?? isSystemdHost()) && options.diesWithServer !== true
  return [
    ...(scoped ? scopeArguments(plan) : []),
    'flock',
    '--exclusive',
    '--nonblock',
    `--conflict-exit-code=${lockedExitCode}`,
    '--no-fork',
    files.directory,
    ...(namespace === null ? [] : ['ip', 'netns', 'exec', namespace]),
    ...confinedAs(options.account, {
      diesWithParent: options.diesWithServer === true,
      ...(group === undefined ? {} : { group }),
    }),
    options.qemuBinary,
    ...qemuArguments(plan),
  ]
}

/**
 * Starts a machine in a session of its own, so that neither the server's end nor its terminal reaches it,
 * and answers the process's pid once QEMU answers over QMP, which means that it opened the disk and the
 * tap. Throws a HostError with QEMU's own words when it does not in time, and then leaves no process.
 */
export async function launchGuest(plan: QemuPlan, options: LaunchOptions): Promise<number> {
  const [program, ...words] = launchArguments(plan, options)
  const { O_WRONLY, O_APPEND, O_CREAT, O_RDONLY } = constants
  const log = await openPlainFile(options.files.qemuLog, O_WRONLY | O_APPEND | O_CREAT)
  let child: ChildProcess
  let ended: Promise<number | string>
  let logStart: number
  try {
    await log.chmod(0o600)
    logStart = await startLog(log)
    child = spawn(program!, words, {
      cwd: options.files.directory,
      detached: true,
      env: { ...commandEnvironment, ...(options.note === undefined ? {} : startNote(options.note)) },
      stdio: ['ignore', log.fd, log.fd],
    })
    // Listens before anything is awaited: a launcher that fails at once would end unheard.
    ended = new Promise<number | string>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
    })
  } finally {
    await log.close()
  }
  const timeoutMs = options.startTimeoutMs ?? 30_000
  const waiting = { isOver: false }
  const answered = answersQmp(options.files.qmp, child.pid, timeoutMs, waiting)
  const outcome = await Promise.race([ended, answered])
  waiting.isOver = true
  if (outcome === true) {
    child.unref()
    return child.pid!
  }
  // The child has not been reaped while no exit was reported: its pid cannot be another's.
  if (outcome === false) child.kill('SIGKILL')
  if (outcome === 'ENOENT') throw missingProgram(program!)
  if (outcome === lockedExitCode) throw new HostError('The machine is being started or is just ending.')
  const why =
    outcome === false ? `QEMU did not answer within ${timeoutMs / 1000} s` : `QEMU ended with ${outcome}`
  const file = await openPlainFile(options.files.qemuLog, O_RDONLY)
  const said = await readTail(file, logStart).finally(() => file.close())
  throw await startFailure(why, said, plan, options)
}

/** QEMU's own words, or clearer ones where it is known what they mean. */
async function startFailure(
  why: string,
  said: string,
  { memoryMib }: QemuPlan,
  { qemuBinary, files }: LaunchOptions,
): Promise<HostError> {
  if (!(await isInstalled(qemuBinary))) return missingProgram(qemuBinary)
  if (said.includes('Cannot allocate memory'))
    return new HostError(
      `The host has no ${memoryMib} MiB of memory left for the guest. Stop other guests or programs: ${said}`,
    )
  const complaint = said === '' ? 'it said nothing' : said
  return (
    diskComplaint(files.disk, said) ??
    new HostError(`The machine did not start: ${why}: ${complaint}.`, { remedy: 'berth doctor' })
  )
}

/** Largest log of QEMU's own messages in bytes; a guest can provoke any number of them. */
const maxLog = 1 << 20

/** Empties an overlong log; answers where new messages start. */
async function startLog(log: FileHandle): Promise<number> {
  const { size } = await log.stat()
  if (size <= maxLog) return size
  await log.truncate(0)
  return 0
}

/** Empties the machine's message log when it is too long. QEMU appends, so it goes on at the start. */
export async function trimQemuLog(files: MachineFiles): Promise<void> {
  const log = await openPlainFile(files.qemuLog, constants.O_WRONLY)
  await startLog(log).finally(() => log.close())
}

async function readTail(file: FileHandle, start: number): Promise<string> {
  const { size } = await file.stat()
  const length = Math.min(2000, Math.max(0, size - start))
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
  const lines = guestText(buffer.subarray(0, bytesRead).toString('utf8'), 2000).trim().split('\n')
  // Each line starts with the time and the program's name, which the reader knows.
  return lines.map((line) => line.replace(/^\S+Z qemu-system-\w+: /, '')).join('; ')
}

/**
 * Waits for QMP's greeting. Until the process has become QEMU it may not hold the lock, and then the
 * socket is another's.
 */
async function answersQmp(
  path: string,
  pid: number | undefined,
  timeoutMs: number,
  waiting: { readonly isOver: boolean },
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline && !waiting.isOver) {
    try {
      if (pid === undefined || (await isLauncher(pid))) throw new HostError('The machine is not QEMU yet.')
      const client = await QmpClient.connect(path, { timeoutMs: Math.max(1, deadline - Date.now()) })
      client.close()
      return true
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
  return false
}
