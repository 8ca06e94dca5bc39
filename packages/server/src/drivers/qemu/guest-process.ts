import { readFileSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { errorCode } from '../../host/error-code.ts'

/** A machine's QEMU process, or the launcher that is about to become it. */
export interface GuestProcess {
  readonly pid: number
  /** Clock ticks since boot (proc(5), stat field 22): with the pid, names a process for good. */
  readonly startTime: string
  readonly machineId: string
}

/** By what an installation knows its own processes. */
export interface ProcessOwner {
  readonly installId: string
  /** User id that guests run as; the launcher starts as root and becomes this user. */
  readonly uid: number
}

const launchers = new Set(['systemd-run', 'flock', 'ip', 'setpriv'])

/** Every machine process of the installation, found by its arguments: nothing written down can be stale. */
export async function listGuestProcesses(owner: ProcessOwner): Promise<GuestProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)
  const found: GuestProcess[] = []
  for (const pid of pids) {
    const process = await inspectProcess(pid, owner)
    if (process !== undefined) found.push(process)
  }
  return found
}

/**
 * Answers what machine of the installation the process `pid` is, if any.
 * @throws the system's error when that cannot be told, as without a file descriptor to look with
 */
export async function inspectProcess(pid: number, owner: ProcessOwner): Promise<GuestProcess | undefined> {
  try {
    const machineId = machineIdOf(await readFile(`/proc/${pid}/cmdline`, 'utf8'), owner.installId)
    if (machineId === undefined) return undefined
    const startTime = startTimeOf(pid)
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const uid = Number(/^Uid:\s+([0-9]+)/m.exec(status)?.[1])
    const program = basename(await readlink(`/proc/${pid}/exe`))
    // Anybody can run a program with such arguments: only the guest user's or root's own count.
    const ours = uid === owner.uid || uid === 0
    const known = launchers.has(program) || program.startsWith('qemu-')
    return ours && known && startTime !== undefined ? { pid, startTime, machineId } : undefined
  } catch (error) {
    // The program of another user's process is nobody else's business, so that one is none of ours.
    if (hasEnded(error) || errorCode(error) === 'EACCES') return undefined
    throw error
  }
}

/** Whether a look into /proc/PID failed because the process ended; want of file descriptors says nothing of it. */
function hasEnded(error: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')
}

/** Whether the process is still one of the programs that prepare QEMU's start. */
export async function isLauncher(pid: number): Promise<boolean> {
  const program = basename(await readlink(`/proc/${pid}/exe`))
  // Between fork and exec it is the server itself.
  return launchers.has(program) || program === basename(process.execPath)
}

/** Whether the very same process still lives. */
function isAlive(process: GuestProcess): boolean {
  return startTimeOf(process.pid) === process.startTime
}

/** Sends SIGKILL if the process is still the one that was found. */
function killGuestProcess(guest: GuestProcess): void {
  if (!isAlive(guest)) return
  try {
    process.kill(guest.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Waits until the process is gone, at most `timeoutMs`; answers whether it is. */
export async function waitUntilGone(guest: GuestProcess, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (isAlive(guest)) {
    if (Date.now() >= deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return true
}

/** Kills the process and waits for its end. Throws a HostError when it is still there after `timeoutMs`. */
export async function endGuestProcess(guest: GuestProcess, timeoutMs: number): Promise<void> {
  killGuestProcess(guest)
  if (await waitUntilGone(guest, timeoutMs)) return
  const message = `The machine's process ${guest.pid} does not end; its disk or network may hang in the kernel.`
  throw new HostError(message)
}

/** The machine that an argument vector (as in /proc/PID/cmdline) runs, if it is one of the installation's. */
export function machineIdOf(cmdline: string, installId: string): string | undefined {
  const words = cmdline.split('\0')
  const valueOf = (option: string): string => words[words.lastIndexOf(option) + 1] ?? ''
  if (!words.includes('-uuid') || !words.includes('-name')) return undefined
  const id = valueOf('-uuid')
  return valueOf('-name').startsWith(`guest=berth-${installId}-${id},`) && id.length === 36 ? id : undefined
}

/** Start time of a process; undefined when it has ended, a zombie included. */
function startTimeOf(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    if (hasEnded(error)) return undefined
    throw error
  }
  // The command's name comes second, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}
