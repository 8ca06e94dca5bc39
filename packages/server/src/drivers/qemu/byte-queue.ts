/** Room that is made at first, in bytes. */
const LEAST = 4096

/**
 * Bytes that come in pieces and are taken from the front. However small the pieces, each byte is copied a
 * bounded number of times. What was taken stays as it was: the room that it lies in is not used again.
 */
export class ByteQueue {
  #room: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  push(piece: Buffer): void {
    if (this.#end + piece.length > this.#room.length) {
      const larger = Buffer.allocUnsafe(Math.max(LEAST, 2 * (this.length + piece.length)))
      this.#room.copy(larger, 0, this.#start, this.#end)
      this.#end -= this.#start
      this.#start = 0
      this.#room = larger
    }
    this.#end += piece.copy(this.#room, this.#end)
  }

  /** Where `byte` comes first at or after `from`, counted from the front; -1 when it does not. */
  indexOf(byte: number, from: number): number {
    return this.#room.subarray(this.#start, this.#end).indexOf(byte, from)
  }

  /** The first `count` bytes, which leave the queue. */
  take(count: number): Buffer {
    const taken = this.#room.subarray(this.#start, this.#start + count)
    this.#start += taken.length
    return taken
  }
}
