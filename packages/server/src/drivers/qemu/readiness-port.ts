import type { GuestReport } from '../machine-driver.ts'
import { guestText } from './guest-text.ts'
import { LineSocket, parseObject } from './line-socket.ts'

/** Bytes that are read from a guest in search of its readiness line. */
const maxReport = 4096

/** Longest name of an operating system, in characters. */
const maxOsName = 80

/** Longest detail of a report, in characters. */
const maxDetail = 500

/**
 * Reads the guest's readiness line, waiting at most `timeoutMs`; undefined when none came or none was
 * right. The guest is not trusted.
 */
export async function readGuestReport(path: string, timeoutMs: number): Promise<GuestReport | undefined> {
  const deadline = Date.now() + timeoutMs
  let socket: LineSocket | undefined
  try {
    socket = await LineSocket.connect(path, timeoutMs, maxReport)
    for (let read = 0; read < maxReport;) {
      const line = await socket.nextLine(deadline)
      read += line.length + 1
      const report = parseGuestReport(line)
      if (report !== undefined) return report
    }
  } catch {
    // A guest that is not up yet says nothing, or noise.
  } finally {
    socket?.close()
  }
  return undefined
}

/** A report from one line of a guest; undefined when the line is not one. */
export function parseGuestReport(line: Buffer): GuestReport | undefined {
  let value: Record<string, unknown>
  try {
    value = parseObject(line)
  } catch {
    return undefined
  }
  const { bootId, state, detail, os, access } = value
  const osName = typeof os === 'string' ? guestText(os, maxOsName) : ''
  const known = {
    ...(osName === '' ? {} : { osName }),
    ...(isToken(access) ? { access } : {}),
  }
  if (!isToken(bootId)) return undefined
  if (state === 'ok') return { bootId, state, ...known }
  if (state !== 'error') return undefined
  const text = typeof detail === 'string' ? guestText(detail, maxDetail) : ''
  return { bootId, state, ...known, ...(text === '' ? {} : { detail: text }) }
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[a-zA-Z0-9-]{1,64}$/.test(value)
}
