import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import type { Requester } from '../../store/records.ts'

/** Who a host command's audit record names: the user of the host who typed it. */
export function operator(): Requester {
  const username = process.env['SUDO_USER'] || userInfo().username
  return { requestId: randomUUID(), keyId: 'host', username, sourceIp: 'host' }
}
