import { HostError } from '@berth/contract/host/host-error'
import { guestText } from './guest-text.ts'
import { LineSocket, parseObject } from './line-socket.ts'

/** Longest QMP reply in bytes. */
export const maxQmpReply = 1 << 20

/** A QMP event, such as `{ name: 'SHUTDOWN', data: { guest: true } }`. */
export interface QmpEvent {
  readonly name: string
  readonly data: unknown
}

/**
 * A connection to QEMU's machine protocol (docs/interop/qmp-spec). QEMU serves one client at a time, so
 * connect, ask, close. Commands run one after the other; a malformed, oversized or late reply ends the
 * connection.
 */
export class QmpClient {
  readonly #socket: LineSocket
  readonly #onEvent: ((event: QmpEvent) => void) | undefined
  #last: Promise<unknown> = Promise.resolve()
  #nextId = 1
  #broken = false

  private constructor(socket: LineSocket, onEvent: ((event: QmpEvent) => void) | undefined) {
    this.#socket = socket
    this.#onEvent = onEvent
  }

  /** Connects and negotiates within `timeoutMs`. Throws a HostError otherwise. */
  static async connect(
    path: string,
    options: { readonly timeoutMs: number; readonly onEvent?: (event: QmpEvent) => void },
  ): Promise<QmpClient> {
    const deadline = Date.now() + options.timeoutMs
    const socket = await LineSocket.connect(path, options.timeoutMs, maxQmpReply)
    const client = new QmpClient(socket, options.onEvent)
    try {
      const greeting = parseObject(await socket.nextLine(deadline))
      if (!('QMP' in greeting)) throw new HostError(`What listens at ${path} does not speak QMP.`)
      await client.execute('qmp_capabilities', undefined, Math.max(1, deadline - Date.now()))
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  /**
   * Runs one command and answers its `return` value. Throws a HostError when QEMU refuses it or does not
   * answer within `timeoutMs`.
   */
  async execute(command: string, args?: object, timeoutMs = 5000): Promise<unknown> {
    const turn = this.#last.then(() => this.#exchange(command, args, timeoutMs))
    this.#last = turn.catch(() => {})
    return await turn
  }

  close(): void {
    this.#broken = true
    this.#socket.close()
  }

  async #exchange(command: string, args: object | undefined, timeoutMs: number): Promise<unknown> {
    if (this.#broken) throw new HostError(`QMP ${command}: the connection is closed.`)
    const deadline = Date.now() + timeoutMs
    const id = this.#nextId
    this.#nextId += 1
    try {
      this.#socket.send(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
      const reply = await this.#reply(id, deadline)
      if ('return' in reply) return reply['return']
      return refusal(command, reply['error'])
    } catch (error) {
      if (error instanceof QmpRefusal) throw error
      this.close()
      throw new HostError(`QMP ${command}: ${(error as Error).message}`, { cause: error })
    }
  }

  async #reply(id: number, deadline: number): Promise<Record<string, unknown>> {
    for (;;) {
      const message = parseObject(await this.#socket.nextLine(deadline))
      if (typeof message['event'] === 'string') {
        this.#onEvent?.({ name: message['event'], data: message['data'] })
        continue
      }
      // An error without an id answers a line that QEMU could not read at all.
      if (message['id'] === id || (message['id'] === undefined && 'error' in message)) return message
      throw new HostError('the reply belongs to another command.')
    }
  }
}

/** QEMU understood a command and refused it; the connection is still good. */
class QmpRefusal extends HostError {}

function refusal(command: string, error: unknown): never {
  const description =
    typeof error === 'object' && error !== null && 'desc' in error ? error.desc : 'no reason given'
  throw new QmpRefusal(`QEMU refused ${command}: ${guestText(String(description), 300)}`)
}
