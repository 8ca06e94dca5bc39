import { createSocket, type Socket } from 'node:dgram'
import { admits, type Gate } from './gate.ts'
import { relayLog } from './relay-log.ts'
import type { RelayPlace } from './relay-protocol.ts'
import type { RelayService } from './relay-service.ts'

/** Clients of one forward at a time; a further one takes the place of the one that was silent longest. */
const MAX_CLIENTS = 1024
/** Milliseconds of silence after which a client is forgotten: what conntrack gives an assured UDP flow. */
const IDLE = 120_000
/** Datagrams kept while the way to the target is being opened. */
const MAX_WAITING = 16

interface Client {
  readonly address: string
  readonly port: number
  readonly upstream: Socket
  /** Null once the way is open. */
  waiting: Buffer[] | null
  lastSeen: number
}

/** Serves a bound UDP socket: each client that the gate admits talks to the target from a port of its own. */
export class UdpService implements RelayService {
  readonly #socket: Socket
  readonly #target: RelayPlace
  readonly #onLeft: () => void
  /** In the order in which they last spoke. */
  readonly #clients = new Map<string, Client>()
  readonly #sweep: NodeJS.Timeout
  #gate: Gate | null
  #listening = true

  constructor(id: string, target: RelayPlace, gate: Gate | null, socket: Socket, onLeft: () => void) {
    this.#socket = socket
    this.#target = target
    this.#gate = gate
    this.#onLeft = onLeft
    this.#sweep = setInterval(() => this.#forgetSilent(), IDLE / 8)
    socket.on('message', (data, { address, port }) => this.#fromClient(data, address, port))
    socket.on('error', (error) => relayLog(`forward ${id}: ${error.message}`))
  }

  get busy(): boolean {
    return this.#clients.size > 0
  }

  setGate(gate: Gate | null): void {
    this.#gate = gate
    for (const [key, client] of this.#clients) if (!admits(gate, client.address)) this.#forget(key)
  }

  stopListening(): void {
    this.#listening = false
  }

  close(): void {
    clearInterval(this.#sweep)
    for (const key of this.#clients.keys()) this.#forget(key)
    this.#socket.close()
  }

  #fromClient(data: Buffer, address: string, port: number): void {
    if (!admits(this.#gate, address)) return
    const key = `${address}:${port}`
    let client = this.#clients.get(key)
    if (client === undefined) {
      if (!this.#listening) return
      client = this.#meet(key, address, port)
    }
    client.lastSeen = Date.now()
    this.#clients.delete(key)
    this.#clients.set(key, client)
    if (client.waiting === null) client.upstream.send(data)
    else if (client.waiting.length < MAX_WAITING) client.waiting.push(data)
  }

  #meet(key: string, address: string, port: number): Client {
    if (this.#clients.size >= MAX_CLIENTS) this.#forget(this.#clients.keys().next().value ?? '')
    const upstream = createSocket('udp4')
    const client: Client = { address, port, upstream, waiting: [], lastSeen: Date.now() }
    upstream.on('connect', () => {
      for (const data of client.waiting ?? []) upstream.send(data)
      client.waiting = null
    })
    upstream.on('message', (data) => {
      client.lastSeen = Date.now()
      this.#socket.send(data, port, address)
    })
    // The guest has no such port open: the client's next datagram may find it open.
    upstream.on('error', () => this.#forget(key, client))
    upstream.connect(this.#target.port, this.#target.address)
    this.#clients.set(key, client)
    return client
  }

  #forgetSilent(): void {
    for (const [key, { lastSeen }] of this.#clients) if (Date.now() - lastSeen > IDLE) this.#forget(key)
  }

  #forget(key: string, only?: Client): void {
    const client = this.#clients.get(key)
    if (client === undefined || (only !== undefined && client !== only)) return
    this.#clients.delete(key)
    client.upstream.close()
    this.#onLeft()
  }
}
