import { lstat } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { basename } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { descriptorsGone } from '../../host/host-failure.ts'
import { ByteQueue } from './byte-queue.ts'

const lineFeed = 0x0a

/** Lines that are handed out in one turn of the event loop: a peer that sends nothing but line feeds holds up nobody. */
const linesATurn = 256

/**
 * A Unix stream socket read line by line, for peers that are not trusted: a line longer than `maxLine`
 * bytes ends the connection, and at most about twice that is ever held in memory.
 */
export class LineSocket {
  readonly #socket: Socket
  readonly #maxLine: number
  readonly #bytes = new ByteQueue()
  #lines = 0
  #failure: Error | undefined
  #wake: (() => void) | undefined

  private constructor(socket: Socket, maxLine: number) {
    this.#socket = socket
    this.#maxLine = maxLine
    socket.on('data', (chunk: Buffer) => {
      this.#bytes.push(chunk)
      if (this.#bytes.length > maxLine) socket.pause()
      this.#wake?.()
    })
    socket.on('error', (error) => this.#fail(new HostError(`The connection failed: ${error.message}`)))
    socket.on('close', () => this.#fail(new HostError('The other side closed the connection.')))
  }

  /** Connects within `timeoutMs`. Throws a HostError when nobody listens there. */
  static async connect(path: string, timeoutMs: number, maxLine: number): Promise<LineSocket> {
    const found = await lstat(path).catch(() => undefined)
    if (found?.isSocket() !== true) throw new HostError(`There is no ${basename(path)}`)
    const socket = createConnection({ path })
    return await new Promise((resolve, reject) => {
      const fail = (error: HostError): void => {
        clearTimeout(timer)
        socket.on('error', () => {})
        socket.destroy()
        reject(error)
      }
      const onError = (error: NodeJS.ErrnoException): void =>
        fail(descriptorsGone(error) ?? new HostError(`${basename(path)} takes no connection (${error.code})`))
      const late = new HostError(`${basename(path)} took no connection within ${timeoutMs} ms`)
      const timer = setTimeout(() => fail(late), timeoutMs)
      socket.once('error', onError)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.off('error', onError)
        resolve(new LineSocket(socket, maxLine))
      })
    })
  }

  send(data: string | Buffer): void {
    this.#socket.write(data)
  }

  /** The next line without its line feed. Throws a HostError when none came before `deadline` (ms, epoch). */
  async nextLine(deadline: number): Promise<Buffer> {
    this.#lines += 1
    if (this.#lines % linesATurn === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      if (Date.now() >= deadline) throw tooLate()
    }
    let searched = 0
    for (;;) {
      const end = this.#bytes.indexOf(lineFeed, searched)
      if (end >= 0 && end <= this.#maxLine) {
        const line = this.#bytes.take(end + 1).subarray(0, end)
        if (this.#bytes.length <= this.#maxLine) this.#socket.resume()
        return line
      }
      searched = this.#bytes.length
      if (searched > this.#maxLine) {
        this.#fail(new HostError(`The other side sent a line longer than ${this.#maxLine} bytes.`))
        this.close()
      }
      if (this.#failure !== undefined) throw this.#failure
      if (Date.now() >= deadline) throw tooLate()
      await this.#changed(deadline)
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake?.()
  }

  async #changed(deadline: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, deadline - Date.now()))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }
}

function tooLate(): HostError {
  return new HostError('The other side did not answer in time.')
}

/** Parses one line as a JSON object. Throws a HostError on anything else. */
export function parseObject(line: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(line.toString('utf8'))
  } catch {
    throw new HostError('The other side sent something that is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HostError('The other side sent JSON that is not an object.')
  }
  return value as Record<string, unknown>
}
