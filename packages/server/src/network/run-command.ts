import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { HostError } from '@berth/contract/host/host-error'

/** What a finished command left behind. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** What the command reads from standard input. */
  readonly input?: string
  /** Milliseconds until the command is killed; 10 s unless told. */
  readonly timeout?: number
}

/** Bytes of output kept; a command that prints more is killed. */
const MAX_OUTPUT = 4 * 1024 * 1024

/** Debian keeps ip, bridge, nft and sysctl in sbin, which is not on every PATH. */
const PATH = [process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  .filter((part) => part !== undefined && part !== '')
  .join(':')

/** The environment of every command: messages in English, nothing inherited that could change its output. */
export const commandEnvironment: NodeJS.ProcessEnv = { PATH, LC_ALL: 'C' }

/**
 * Runs a program without a shell and answers how it ended, whatever its exit code.
 * Throws a HostError when it cannot be started, overruns its time or prints too much.
 */
export function tryCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const timeout = options.timeout ?? 10_000
  const input = options.input === undefined ? null : openInput(options.input)
  return new Promise<CommandResult>((resolve, reject) => {
    const child = spawn(file, args, { stdio: [input ?? 'ignore', 'pipe', 'pipe'], env: commandEnvironment })
    let kept = 0
    let reason: string | null = null
    const stop = (why: string) => {
      reason ??= why
      child.kill('SIGKILL')
    }
    const collect = (stream: Readable | null) => {
      const chunks: Buffer[] = []
      stream?.on('data', (chunk: Buffer) => {
        kept += chunk.length
        if (kept > MAX_OUTPUT) return stop('printed too much')
        chunks.push(chunk)
      })
      return () => Buffer.concat(chunks).toString('utf8')
    }
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    const timer = setTimeout(() => stop(`did not finish within ${timeout / 1000} s`), timeout)
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      const absent = error.code === 'ENOENT'
      const message = absent
        ? `The program \`${file}\` is missing on this host. Install it and try again.`
        : `\`${describe(file, args)}\` could not be run: ${error.message}.`
      reject(new HostError(message, { retryable: !absent, cause: error }))
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      if (reason === null) return resolve({ code, stdout: stdout(), stderr: stderr() })
      reject(new HostError(`\`${describe(file, args)}\` ${reason}.`))
    })
  }).finally(() => {
    if (input !== null) closeSync(input)
  })
}

/**
 * A nameless file that holds the input. nft opens its standard input a second time by way of /dev/stdin,
 * which a file allows and the socket that Node would make does not.
 */
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

/** Like `tryCommand`, but any exit code other than 0 is a HostError with what the command complained of. */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await tryCommand(file, args, options)
  if (result.code !== 0) throw commandFailure(file, args, result)
  return result.stdout
}

/** The HostError that says which command failed and what it complained of. */
export function commandFailure(file: string, args: readonly string[], result: CommandResult): HostError {
  const complaint = result.stderr.trim().slice(0, 500) || `exit code ${result.code}`
  return new HostError(`\`${describe(file, args)}\` failed: ${complaint}`)
}

function describe(file: string, args: readonly string[]): string {
  return [file, ...args].join(' ').slice(0, 300)
}
