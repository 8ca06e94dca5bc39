import canonicalize from 'canonicalize'

/** One text for equal values, whatever the order of their members (RFC 8785). */
export function canonicalJson(value: unknown): string {
  return canonicalize(value) ?? 'null'
}
