/**
 * The relay process inside one project's namespace: `node relay-child.ts INSTALL_ID NETWORK_KEY`. It
 * accepts on listening sockets of the host that the supervisor hands over, and connects inside the
 * namespace. It ends with its last forward, and with the supervisor.
 */
import { Server, type Socket } from 'node:net'
import { joinToTarget } from './relay-join.ts'
import { relayLog } from './relay-log.ts'
import type { FromRelayChild, ToRelayChild } from './relay-messages.ts'
import type { RelayPlace } from './relay-protocol.ts'

/** Connections of one forward at a time; further ones are closed at once. */
const MAX_CONNECTIONS = 1024

/** `nobody` and `nogroup`, by number since the names differ between distributions. */
const NOBODY = 65_534

interface Served {
  readonly server: Server
  readonly sockets: Set<Socket>
}

const served = new Map<string, Served>()
let draining = false

function serve(id: string, target: RelayPlace, server: Server): void {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      endIfDrained()
    })
  }
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (client) => {
    keep(client)
    keep(joinToTarget(client, target))
  })
  server.on('error', (error) => relayLog(`forward ${id}: ${error.message}`))
  served.set(id, { server, sockets })
  answer({ type: 'serving', id })
}

function close(id: string): void {
  const entry = served.get(id)
  served.delete(id)
  entry?.server.close()
  for (const socket of entry?.sockets ?? []) socket.destroy()
  const last = served.size === 0
  answer({ type: 'closed', id }, () => {
    if (last) process.exit(0)
  })
}

function drain(): void {
  draining = true
  for (const { server } of served.values()) server.close()
  endIfDrained()
}

function endIfDrained(): void {
  if (draining && [...served.values()].every(({ sockets }) => sockets.size === 0)) process.exit(0)
}

function answer(message: FromRelayChild, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent)
}

process.on('message', (message: ToRelayChild, handle: unknown) => {
  if (message.type === 'serve' && handle instanceof Server) serve(message.id, message.target, handle)
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
