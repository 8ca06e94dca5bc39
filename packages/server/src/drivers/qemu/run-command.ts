import { execFile } from 'node:child_process'
import { HostError } from '@berth/contract/host/host-error'

/** The environment of every host command: nothing of the server's own, no locale surprises. */
export const commandEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  MTOOLS_SKIP_CHECK: '1',
}

/** Which Debian package carries a program, for the message that tells what to install. */
const packages: Readonly<Record<string, string>> = {
  flock: 'util-linux',
  getent: 'libc-bin',
  ip: 'iproute2',
  mcopy: 'mtools',
  'mkfs.vfat': 'dosfstools',
  openssl: 'openssl',
  'qemu-img': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  setpriv: 'util-linux',
}

export interface CommandOptions {
  /** Milliseconds until the command is killed. */
  readonly timeoutMs?: number
  /** Written to its standard input, which is then closed. */
  readonly input?: string
  readonly cwd?: string
}

/** Why a program could not be started, with what to install when it is missing. */
export function missingProgram(file: string): HostError {
  const name = packages[file]
  const advice = name === undefined ? 'Install it, or correct its path.' : `Run: apt install ${name}`
  return new HostError(`The program ${file} is not on this host. ${advice}`, { retryable: false })
}

/**
 * Runs a program without a shell and answers its standard output (at most 1 MiB).
 * Throws a HostError with the end of its error output when it fails or takes longer than `timeoutMs` (20 s).
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const timeoutMs = options.timeoutMs ?? 20_000
  return await new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      {
        env: commandEnvironment,
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 1 << 20,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        if (error === null) {
          resolve(stdout)
        } else if (error.code === ('ENOENT' as unknown)) {
          reject(missingProgram(file))
        } else {
          const why = error.killed === true ? `took longer than ${timeoutMs} ms` : `failed (${error.code})`
          const said = stderr.trim().slice(-500)
          const message = `${file} ${why}${said === '' ? '.' : `: ${said}`}`
          // The command line stays out of the message and the cause: it may grow secrets one day.
          reject(new HostError(message))
        }
      },
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
  })
}
