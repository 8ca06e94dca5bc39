import type { NetworkReach } from '@berth/contract/network-reach'
import type { Caller } from '../auth/caller.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { ApiMetrics } from './api-metrics.ts'

/** What every route works with. */
export interface ApiContext {
  readonly store: Store
  readonly secretBox: SecretBox
  /** The datacenter that specs name when they name none. */
  readonly datacenter: string
  /** The registries whose container images services may run. */
  readonly registries: readonly string[]
  /** What guests reach and are reached from, by the uplink in use. */
  readonly reach: NetworkReach
  /** How many seconds a step of an instance usually takes on this host; undefined where nothing tells. */
  readonly usualSeconds?: (row: Pick<ComputeInstanceRow, 'profile'>, step: string) => number | undefined
  readonly version: string
  /** The certificate of the authority that signs services' certificates, PEM. */
  readonly certificateRoot: string
  /** Why the server is not ready to serve; null when it is. */
  readonly notReady: () => string | null
  /** What a ready server has to say of trouble that it had lately; null when it had none. */
  readonly trouble?: () => string | null
  /** Where requests are counted; without it there is no `/metrics`. */
  readonly metrics?: ApiMetrics
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for every route that is not public, before its handler runs. */
    caller: Caller
  }
  interface FastifyContextConfig {
    /** Served without a key: to all, or to whom the function says. */
    public?: boolean | ((request: FastifyRequest) => boolean)
  }
}
