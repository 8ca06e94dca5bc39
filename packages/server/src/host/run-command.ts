import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { HostError } from '@berth/contract/host/host-error'
import { fullDisk, NO_SPACE } from './full-disk.ts'
import { missingProgram } from './missing-program.ts'

/** What a finished command left behind. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** What the command reads from a pipe on standard input; may be secret. */
  readonly input?: string
  /** The same from a nameless file: for programs that open their standard input again. Never secret. */
  readonly inputFile?: string
  /** Milliseconds until the command is killed; 20 s unless told. */
  readonly timeoutMs?: number
  readonly cwd?: string
  /** Bytes of output kept; 4 MiB unless told. A command that prints more is killed. */
  readonly maxOutput?: number
  /** Variables beside those of every command. Never secret: whoever may look at the process can read them. */
  readonly env?: Readonly<Record<string, string>>
  /** Kills the command when it is aborted; what the caller gets is the signal's reason. */
  readonly signal?: AbortSignal
}

/** A command that was killed because of what it took; the message says which. */
export class Overrun extends HostError {
  readonly of: 'time' | 'output'

  constructor(of: 'time' | 'output', message: string) {
    super(message)
    this.of = of
  }
}

const MAX_OUTPUT = 4 * 1024 * 1024

/**
 * The environment of every command: nothing of the server's own, messages in English. Debian keeps ip,
 * bridge, nft and mkfs in sbin, which is not on every PATH.
 */
export const commandEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  MTOOLS_SKIP_CHECK: '1',
}

/**
 * Runs a program without a shell and answers how it ended, whatever its exit code.
 * @throws HostError when it cannot be started, and Overrun when it takes too long or prints too much
 */
export async function tryCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const inputFile = options.inputFile === undefined ? null : openInput(options.inputFile)
  try {
    return await collect(file, args, options, inputFile)
  } finally {
    if (inputFile !== null) closeSync(inputFile)
  }
}

/**
 * Like `tryCommand`, but any exit code other than 0 is an error.
 * @returns standard output
 * @throws HostError with what the command complained of
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await tryCommand(file, args, options)
  if (result.code !== 0) throw commandFailure(file, result)
  return result.stdout
}

/** The HostError for a failed command. Its arguments stay out: they may grow secrets one day. */
export function commandFailure(file: string, result: CommandResult): HostError {
  const complaint = result.stderr.trim().slice(-500) || `exit code ${result.code}`
  if (complaint.includes(NO_SPACE)) return fullDisk(complaint)
  return new HostError(`${file} failed: ${complaint}`)
}

function collect(
  file: string,
  args: readonly string[],
  options: CommandOptions,
  inputFile: number | null,
): Promise<CommandResult> {
  const timeoutMs = options.timeoutMs ?? 20_000
  const maxOutput = options.maxOutput ?? MAX_OUTPUT
  const stdin = inputFile ?? (options.input === undefined ? 'ignore' : 'pipe')
  options.signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: [stdin, 'pipe', 'pipe'],
      env: { ...commandEnvironment, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    let kept = 0
    let overrun: Overrun | null = null
    const stop = (error: Overrun | null) => {
      overrun ??= error
      child.kill('SIGKILL')
    }
    const textOf = (stream: Readable | null) => {
      const chunks: Buffer[] = []
      stream?.on('data', (chunk: Buffer) => {
        kept += chunk.length
        if (kept > maxOutput) return stop(new Overrun('output', `${file} printed too much.`))
        chunks.push(chunk)
      })
      return () => Buffer.concat(chunks).toString('utf8')
    }
    const stdout = textOf(child.stdout)
    const stderr = textOf(child.stderr)
    const late = () => stop(new Overrun('time', `${file} took longer than ${timeoutMs / 1000} s.`))
    const timer = setTimeout(late, timeoutMs)
    const onAbort = () => stop(null)
    options.signal?.addEventListener('abort', onAbort)
    const settle = () => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle()
      if (error.code === 'ENOENT') reject(missingProgram(file))
      else reject(new HostError(`${file} could not be run: ${error.message}.`, { cause: error }))
    })
    child.on('close', (code) => {
      settle()
      if (options.signal?.aborted) reject(options.signal.reason)
      else if (overrun) reject(overrun)
      else resolve({ code, stdout: stdout(), stderr: stderr() })
    })
    // A program may end without reading what it was given.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input)
  })
}

/** A nameless file that holds the input, to be read from its beginning. */
function openInput(text: string): number {
  const path = join(tmpdir(), `berth-input-${randomUUID()}`)
  const fd = openSync(path, 'wx+', 0o600)
  unlinkSync(path)
  // With a position given, the offset at which the program starts to read stays 0.
  const data = Buffer.from(text)
  let written = 0
  while (written < data.length) written += writeSync(fd, data, written, data.length - written, written)
  return fd
}
