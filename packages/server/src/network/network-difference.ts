/**
 * Whose something is: a guest's own place, what the guests of a project share, or the edge router, which all projects
 * of the installation share. What is the `host`'s follows from its own addresses: they have changed since, and nobody
 * damaged anything.
 */
export type DifferenceScope = 'guest' | 'project' | 'edge' | 'host'

/** Something on the host that is missing or other than it should be. */
export interface NetworkDifference {
  readonly of: DifferenceScope
  /** For a person to read, such as `device g5`. */
  readonly what: string
}

export function differencesOf(of: DifferenceScope, names: readonly string[]): NetworkDifference[] {
  return names.map((what) => ({ of, what }))
}
