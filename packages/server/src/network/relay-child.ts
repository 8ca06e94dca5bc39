/**
 * The relay process inside one project's namespace: `node relay-child.ts INSTALL_ID NETWORK_KEY`. It
 * accepts on listening sockets of the host that the supervisor hands over, and connects inside the
 * namespace. It ends with its last forward, and with the supervisor.
 */
import { Socket as UdpSocket } from 'node:dgram'
import { Server } from 'node:net'
import type { FromRelayChild, ToRelayChild } from './relay-messages.ts'
import type { RelayService } from './relay-service.ts'
import { TcpService } from './tcp-service.ts'
import { UdpService } from './udp-service.ts'

/** `nobody` and `nogroup`, by number since the names differ between distributions. */
const NOBODY = 65_534

const services = new Map<string, RelayService>()
let draining = false

function serve({ id, target, gate }: Extract<ToRelayChild, { type: 'serve' }>, handle: unknown): void {
  if (handle instanceof Server) services.set(id, new TcpService(id, target, gate, handle, endIfDrained))
  else if (handle instanceof UdpSocket)
    services.set(id, new UdpService(id, target, gate, handle, endIfDrained))
  else return
  answer({ type: 'serving', id })
}

function close(id: string): void {
  services.get(id)?.close()
  services.delete(id)
  const last = services.size === 0
  answer({ type: 'closed', id }, () => {
    if (last) process.exit(0)
  })
}

function drain(): void {
  draining = true
  for (const service of services.values()) service.stopListening()
  endIfDrained()
}

function endIfDrained(): void {
  if (draining && [...services.values()].every(({ busy }) => !busy)) process.exit(0)
}

function answer(message: FromRelayChild, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent)
}

process.on('message', (message: ToRelayChild, handle: unknown) => {
  if (message.type === 'serve') serve(message, handle)
  if (message.type === 'gate') {
    services.get(message.id)?.setGate(message.gate)
    answer({ type: 'gated', id: message.id })
  }
  if (message.type === 'close') close(message.id)
  if (message.type === 'drain') drain()
})
process.on('disconnect', () => process.exit(0))
// The terminal and the service manager speak to the supervisor, which ends its children.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})

// Everything is loaded by now. Changing the user drops every capability with it, see capabilities(7).
process.setgroups?.([])
process.setgid?.(NOBODY)
process.setuid?.(NOBODY)
answer({ type: 'ready' })
