import type { Server, Socket } from 'node:net'
import { admits, type Gate } from './gate.ts'
import { joinToTarget } from './relay-join.ts'
import { relayLog } from './relay-log.ts'
import type { RelayPlace } from './relay-protocol.ts'
import type { RelayService } from './relay-service.ts'

/** Connections of one forward at a time; further ones are closed at once. */
const MAX_CONNECTIONS = 1024

/** Serves a listening socket: each connection that the gate admits is joined with one to the target. */
export class TcpService implements RelayService {
  readonly #server: Server
  readonly #clients = new Map<Socket, Socket>()
  #gate: Gate | null

  /** @param onLeft called whenever a connection has ended */
  constructor(id: string, target: RelayPlace, gate: Gate | null, server: Server, onLeft: () => void) {
    this.#server = server
    this.#gate = gate
    server.maxConnections = MAX_CONNECTIONS
    server.on('connection', (client) => {
      if (!this.#admits(client)) return client.resetAndDestroy()
      const upstream = joinToTarget(client, target)
      this.#clients.set(client, upstream)
      for (const socket of [client, upstream]) {
        socket.on('close', () => {
          if (!client.closed || !upstream.closed) return
          this.#clients.delete(client)
          onLeft()
        })
      }
    })
    server.on('error', (error) => relayLog(`forward ${id}: ${error.message}`))
  }

  get busy(): boolean {
    return this.#clients.size > 0
  }

  setGate(gate: Gate | null): void {
    this.#gate = gate
    for (const [client, upstream] of this.#clients) {
      if (this.#admits(client)) continue
      client.resetAndDestroy()
      upstream.resetAndDestroy()
    }
  }

  stopListening(): void {
    this.#server.close()
  }

  close(): void {
    this.#server.close()
    for (const sockets of this.#clients) for (const socket of sockets) socket.destroy()
  }

  /** A client that has hung up already has no address, and is as good as refused. */
  #admits(client: Socket): boolean {
    return client.remoteAddress !== undefined && admits(this.#gate, client.remoteAddress)
  }
}
