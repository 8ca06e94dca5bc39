const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Whether lower-case text may name a host: labels of RFC 1123 2.1, together at most 253 characters, no address. URLs
 * are read as one when the last label is a number, hexadecimal ones too (WHATWG URL, "ends in a number").
 */
export function isHostname(text: string): boolean {
  const labels = text.split('.')
  return (
    text.length <= 253 &&
    labels.every((label) => LABEL.test(label)) &&
    !/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')
  )
}
