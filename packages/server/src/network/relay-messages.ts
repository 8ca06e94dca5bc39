import type { Gate } from './gate.ts'
import type { RelayPlace } from './relay-protocol.ts'

/** What the supervisor tells the relay process of one namespace; `serve` carries the socket. */
export type ToRelayChild =
  | {
      readonly type: 'serve'
      readonly id: string
      readonly target: RelayPlace
      readonly gate: Gate | null
    }
  | { readonly type: 'gate'; readonly id: string; readonly gate: Gate | null }
  | { readonly type: 'close'; readonly id: string }
  | { readonly type: 'drain' }

/** What the relay process answers: `ready` once after its start, then one answer to every message with an id. */
export type FromRelayChild =
  | { readonly type: 'ready' }
  | { readonly type: 'serving'; readonly id: string }
  | { readonly type: 'gated'; readonly id: string }
  | { readonly type: 'closed'; readonly id: string }
