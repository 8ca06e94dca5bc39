import { stripVTControlCharacters } from 'node:util'

/**
 * Text that a guest wrote, made safe to show to a person: no terminal escapes and no control characters
 * but line feeds and tabs; carriage returns before a line feed vanish. At most `limit` characters, from
 * the start.
 */
export function guestText(text: string, limit: number): string {
  return (
    stripVTControlCharacters(text)
      .replaceAll(/\r+\n/g, '\n')
      // eslint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '')
      .slice(0, limit)
  )
}
