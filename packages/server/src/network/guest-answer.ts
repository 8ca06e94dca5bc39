import { connect } from 'node:net'
import { addressHex, PROBER } from './arp-prober.ts'
import type { GuestPort } from './network-driver.ts'
import { BRIDGE } from './network-names.ts'
import { runCommand } from '../host/run-command.ts'

/**
 * Whether the guest at the port answers for its address. The request goes from the project's bridge to the guest's
 * port alone, and ARP meets no firewall rule, so nobody else hears it and no rule of a tenant stands in between.
 * Takes a second and a half where nobody answers.
 */
export async function answersArp(namespace: string, { mac, address }: GuestPort): Promise<boolean> {
  const words = [BRIDGE, mac.replaceAll(':', ''), 'first', addressHex(address)]
  const said = await runCommand('ip', ['netns', 'exec', namespace, 'perl', '-e', PROBER, ...words])
  return said !== ''
}

/** Milliseconds that who listens has to say something. */
const GREETING_TIMEOUT = 1500
/** Bytes of a greeting that are read: the longest line of SSH (RFC 4253, 4.2). */
const MAX_GREETING = 255

/**
 * What is said first to who connects to a place on this host: '' where the connection ends without a word, null where
 * it stays open in silence.
 */
export async function readGreeting(place: { readonly address: string; readonly port: number }) {
  const socket = connect({ host: place.address, port: place.port })
  const { promise, resolve } = Promise.withResolvers<string | null>()
  const timer = setTimeout(() => resolve(null), GREETING_TIMEOUT)
  socket.on('error', () => resolve(''))
  socket.on('close', () => resolve(''))
  socket.once('data', (data) => resolve(data.toString('latin1', 0, MAX_GREETING)))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}
