const encoder = new TextEncoder()

/** Bytes that text takes in UTF-8: what files, programs and kernels count, where people count characters. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length
}
