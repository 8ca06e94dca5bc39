const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** Whether lower-case text may name a host: labels of RFC 1123 2.1, together at most 253 characters, no address. */
export function isHostname(text: string): boolean {
  const labels = text.split('.')
  return (
    text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
  )
}
