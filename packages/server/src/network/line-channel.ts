import type { Socket } from 'node:net'
import { RELAY_MAX_LINE } from './relay-protocol.ts'

/**
 * Reads one line from a socket. Throws an Error when the other side ends first, sends more than
 * RELAY_MAX_LINE bytes, or takes longer than `timeout` milliseconds.
 */
export function readLine(socket: Socket, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const finish = (outcome: () => void) => {
      clearTimeout(timer)
      socket.off('data', onData).off('error', fail).off('close', onClose)
      socket.pause()
      outcome()
    }
    const fail = (error: Error) => finish(() => reject(error))
    const onClose = () => fail(new Error('the other side hung up'))
    const onData = (chunk: Buffer) => {
      const end = chunk.indexOf(0x0a)
      const part = end < 0 ? chunk : chunk.subarray(0, end)
      chunks.push(part)
      size += part.length
      if (size > RELAY_MAX_LINE) return fail(new Error('the line is too long'))
      if (end >= 0) finish(() => resolve(Buffer.concat(chunks).toString('utf8')))
    }
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeout / 1000} s`)), timeout)
    socket.on('data', onData).on('error', fail).on('close', onClose)
  })
}
