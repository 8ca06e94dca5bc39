import { spawn } from 'node:child_process'
import { HostError } from '@berth/contract/host/host-error'

const keptBytes = 1024 * 1024
const maxLineLength = 4096
const endEvents = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP']

export interface RunOptions {
  /** Milliseconds before the command is killed. */
  readonly timeoutMs: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called for every line of both outputs, as it comes. */
  readonly onLine?: (line: string) => void
  /** The Debian package that has the command, named when the command is missing. */
  readonly debianPackage: string
}

/**
 * Runs a program without a shell and answers its standard output (the last MiB of it). Its whole
 * process group is killed at the time limit.
 *
 * @throws HostError when it is missing, fails or takes too long; the message ends in what it said last.
 */
export function runCommand(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {
        ...process.env,
        LC_ALL: 'C.UTF-8',
        LANGUAGE: 'C',
        DEBIAN_FRONTEND: 'noninteractive',
        ...options.env,
      },
      ...(options.cwd ? { cwd: options.cwd } : {}),
    })
    const output = new TailBuffer()
    const errors = new TailBuffer()
    const lines = [new LineSplitter(options.onLine), new LineSplitter(options.onLine)] as const
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child.pid)
    }, options.timeoutMs)
    // The group is not the terminal's: without this, Ctrl-C would leave it working. Its end makes the
    // command fail, and the caller cleans up.
    const onEnd = () => killGroup(child.pid)
    for (const event of endEvents) process.once(event, onEnd)
    const settle = () => {
      clearTimeout(timer)
      for (const event of endEvents) process.removeListener(event, onEnd)
    }
    child.stdout.on('data', (data: Buffer) => {
      output.push(data)
      lines[0].push(data)
    })
    child.stderr.on('data', (data: Buffer) => {
      errors.push(data)
      lines[1].push(data)
    })
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle()
      reject(
        error.code === 'ENOENT'
          ? missingTool(command, options.debianPackage)
          : new HostError(`${command} could not be started: ${error.message}.`, { cause: error }),
      )
    })
    child.once('close', (code, signal) => {
      settle()
      if (code === 0) return resolve(output.text())
      const how = timedOut
        ? `did not finish within ${Math.round(options.timeoutMs / 1000)} s`
        : signal
          ? `was ended by ${signal}`
          : `failed with exit status ${code}`
      reject(new HostError(`${command} ${how}. ${lastWords(errors.text() || output.text())}`))
    })
  })
}

/** The error for a program that is not installed. */
function missingTool(command: string, debianPackage: string): HostError {
  return new HostError(`The program ${command} is not installed on the host.`, {
    retryable: false,
    remedy: `apt-get install ${debianPackage}`,
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group ended in the meantime.
  }
}

function lastWords(text: string): string {
  const lines = text.trim().split('\n').filter(Boolean).slice(-8)
  return lines.length > 0 ? `Its last words: ${lines.join(' | ').slice(-1000)}` : 'It said nothing.'
}

class TailBuffer {
  #chunks: Buffer[] = []
  #size = 0

  push(data: Buffer): void {
    this.#chunks.push(data)
    this.#size += data.length
    while (this.#size - (this.#chunks[0]?.length ?? 0) > keptBytes) this.#size -= this.#chunks.shift()!.length
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }
}

class LineSplitter {
  readonly #listener: ((line: string) => void) | undefined
  #rest = ''

  constructor(listener: ((line: string) => void) | undefined) {
    this.#listener = listener
  }

  push(data: Buffer): void {
    if (!this.#listener) return
    const parts = (this.#rest + data.toString('utf8')).split(/[\r\n]+/)
    this.#rest = (parts.pop() ?? '').slice(-maxLineLength)
    for (const part of parts) if (part !== '') this.#listener(part)
  }
}
