/** What the requests that were accepted for a name ask for, all in all. */
export interface Accepted {
  readonly power: 'running' | 'stopped'
  /** The size (`bodyOf`) that was applied last. */
  readonly applied: number
  /** The size that was published last; null: none was. */
  readonly published: number | null
}

export type Request =
  | { readonly kind: 'apply'; readonly size: number }
  | { readonly kind: 'publish' | 'start' | 'stop' | 'reboot' }

/**
 * What is asked for once another request was accepted.
 * @param before null: there is no such object yet
 */
export function afterRequest(before: Accepted | null, request: Request): Accepted {
  if (request.kind === 'apply') return { power: 'running', published: null, ...before, applied: request.size }
  if (before === null) throw new Error(`A ${request.kind} of what is not there was accepted.`)
  if (request.kind === 'publish') return { ...before, published: before.applied }
  return { ...before, power: request.kind === 'stop' ? 'stopped' : 'running' }
}
