import { connect, type Socket } from 'node:net'
import type { RelayPlace } from './relay-protocol.ts'

/** Milliseconds after which a target that does not answer ends the client's connection. */
const CONNECT_TIMEOUT = 10_000

/**
 * Connects to the target and carries bytes both ways until both sides have ended. Each direction ends by
 * itself (half-close) and waits for a slow reader; an error on one side ends the other. There is no idle
 * limit. Answers the connection to the target.
 */
export function joinToTarget(client: Socket, target: RelayPlace): Socket {
  client.allowHalfOpen = true
  client.setNoDelay(true)
  const upstream = connect({ host: target.address, port: target.port, allowHalfOpen: true, noDelay: true })
  const giveUp = setTimeout(() => upstream.destroy(), CONNECT_TIMEOUT)
  upstream.on('connect', () => {
    clearTimeout(giveUp)
    client.pipe(upstream)
    upstream.pipe(client)
  })
  endTogether(client, upstream)
  endTogether(upstream, client)
  upstream.on('close', () => clearTimeout(giveUp))
  return upstream
}

function endTogether(from: Socket, to: Socket): void {
  from.on('error', () => to.destroy())
  from.on('close', () => {
    // After an orderly end the other side may still be writing out what it was given.
    if (!to.writableEnded || to.connecting) to.destroy()
  })
}
