import { randomInt } from 'node:crypto'
import { AgentUnavailable } from '@berth/contract/host/agent-unavailable'
import { HostError } from '@berth/contract/host/host-error'
import { guestText } from './guest-text.ts'
import { LineSocket, parseObject } from './line-socket.ts'

/** Longest reply of the guest's agent in bytes; bounds the output of a program to about 1.5 MiB. */
export const maxAgentReply = 4 << 20

/** What a program in the guest did. Output is untrusted and may be cut off by the agent. */
export interface GuestExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface GuestExecOptions {
  /** Written to the program's standard input. */
  readonly input?: string
  /** Milliseconds to wait for its end (30 s); it is not ended when they pass. */
  readonly timeoutMs?: number
}

/**
 * A connection to the QEMU guest agent (docs/interop/qemu-ga-ref). The agent is part of the guest, so
 * nothing that it answers is trusted. It serves one client at a time: connect, ask, close.
 */
export class GuestAgentClient {
  readonly #socket: LineSocket

  private constructor(socket: LineSocket) {
    this.#socket = socket
  }

  /** Connects and synchronizes within `timeoutMs`. Throws a HostError when no agent answers. */
  static async connect(path: string, timeoutMs: number): Promise<GuestAgentClient> {
    const deadline = Date.now() + timeoutMs
    const socket = await LineSocket.connect(path, timeoutMs, maxAgentReply)
    try {
      await synchronize(socket, deadline)
      return new GuestAgentClient(socket)
    } catch (error) {
      socket.close()
      throw new HostError('The guest agent does not answer.', { cause: error })
    }
  }

  /**
   * Runs one agent command; a failure or a late reply ends the connection. Throws an AgentUnavailable where the agent
   * has no such command, or may not run it.
   */
  async execute(command: string, args: object = {}, timeoutMs = 5000): Promise<unknown> {
    const deadline = Date.now() + timeoutMs
    this.#socket.send(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    try {
      const reply = parseObject(await this.#socket.nextLine(deadline))
      if ('return' in reply) return reply['return']
      const { class: kind, desc } = asObject(reply['error'])
      const words = guestText(String(desc), 300)
      const refusal = new HostError(`the guest refused: ${words}`)
      throw isForbidden(kind, words) ? new AgentUnavailable('refusing', refusal) : refusal
    } catch (error) {
      this.close()
      if (error instanceof AgentUnavailable) throw error
      throw new HostError(`Guest agent, ${command}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Asks the agent for a sign of life. */
  async ping(): Promise<void> {
    await this.execute('guest-ping')
  }

  /**
   * Sends the guest into power off and stays until the agent is gone, or has said that it could not, at
   * most `timeoutMs`. An agent whose answer nobody takes spins, and then holds up the very shutdown.
   */
  async shutDown(timeoutMs: number): Promise<void> {
    await this.execute('guest-shutdown', { mode: 'powerdown' }, timeoutMs).catch(() => {})
  }

  /** Runs a program in the guest, without a shell. Throws a HostError when it does not end in time. */
  async exec(argv: readonly string[], options: GuestExecOptions = {}): Promise<GuestExecResult> {
    const deadline = Date.now() + (options.timeoutMs ?? 30_000)
    const [path, ...arg] = argv
    const input = options.input === undefined ? {} : { 'input-data': toBase64(options.input) }
    const started = asObject(
      await this.execute('guest-exec', { path, arg, ...input, 'capture-output': true }),
    )
    for (let pause = 20; ; pause = Math.min(500, pause * 2)) {
      const status = asObject(await this.execute('guest-exec-status', { pid: started['pid'] }))
      if (status['exited'] === true) {
        // A program that a signal ended has no exit code; a shell would say 128 and the signal.
        const code = status['exitcode'] ?? 128 + Number(status['signal'] ?? 0)
        const stdout = fromBase64(status['out-data'])
        return { exitCode: Number(code), stdout, stderr: fromBase64(status['err-data']) }
      }
      if (Date.now() >= deadline) throw new HostError('The program in the guest did not end in time.')
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  /** Replaces the content of a file in the guest. */
  async writeFile(path: string, content: string): Promise<void> {
    const handle = await this.execute('guest-file-open', { path, mode: 'w' })
    const bytes = Buffer.from(content)
    const chunk = 48 << 10
    for (let start = 0; start < bytes.length; start += chunk) {
      const data = bytes.subarray(start, start + chunk).toString('base64')
      await this.execute('guest-file-write', { handle, 'buf-b64': data })
    }
    await this.execute('guest-file-close', { handle })
  }

  /** Sets a user's password to a SHA-512-crypt hash. */
  async setPasswordHash(username: string, hash: string): Promise<void> {
    await this.execute('guest-set-user-password', { username, password: toBase64(hash), crypted: true })
  }

  close(): void {
    this.#socket.close()
  }
}

/** Throws away what an earlier client left unread: the agent marks its answer to this with a 0xFF byte. */
async function synchronize(socket: LineSocket, deadline: number): Promise<void> {
  const id = randomInt(1, 2 ** 31)
  const command = JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } })
  socket.send(Buffer.concat([Buffer.from([0xff]), Buffer.from(`${command}\n`)]))
  for (;;) {
    const line = await socket.nextLine(deadline)
    const mark = line.lastIndexOf(0xff)
    if (mark < 0) continue
    if (parseObject(line.subarray(mark + 1))['return'] === id) return
  }
}

/** Agents differ in the class by which they refuse what their configuration forbids. */
function isForbidden(kind: unknown, words: string): boolean {
  return kind === 'CommandNotFound' || words.includes('has been disabled')
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new HostError('The guest agent sent something else than expected.')
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function fromBase64(value: unknown): string {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : ''
}
