import { writeSync } from 'node:fs'
import { errorCode } from '../host/error-code.ts'

/** Milliseconds that a reader of the log which is behind may hold up the server, all in all, for one line. */
const PATIENCE_MS = 1000
const PAUSE_MS = 10

/**
 * Writes lines to a file descriptor at once. What cannot be written, as on a full disk, is left out and counted:
 * pino's own destination would try again without end, and the server would stand still meanwhile.
 */
export class LogDestination {
  readonly #fd: number
  readonly #write: (fd: number, data: Buffer) => number
  #lost = 0
  #broken = false

  constructor(fd: number, write: (fd: number, data: Buffer) => number = writeSync) {
    this.#fd = fd
    this.#write = write
  }

  write(line: string): void {
    const note = this.#lost === 0 ? '' : `{"level":40,"lost":${this.#lost},"msg":"log lines were lost"}\n`
    // The rest of a line that was cut must not run into the next one.
    if (this.#put(`${this.#broken ? '\n' : ''}${note}${line}`)) this.#lost = 0
    else this.#lost += 1
  }

  #put(text: string): boolean {
    const data = Buffer.from(text)
    const end = performance.now() + PATIENCE_MS
    let done = 0
    while (done < data.length) {
      try {
        done += this.#write(this.#fd, data.subarray(done))
      } catch (error) {
        if (errorCode(error) !== 'EAGAIN' || performance.now() > end) {
          this.#broken ||= done > 0
          return false
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
      }
    }
    this.#broken = false
    return true
  }
}
