/** One line of text, for schemas: see `isOneLine`, which also tells halves of characters. */
export const ONE_LINE = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$'

const matcher = new RegExp(ONE_LINE)

/**
 * Whether text is whole characters on one line, whoever counts: no control characters, C1 and NEL among them, and no
 * line or paragraph separator (Unicode UAX 14, class BK and NL; Python's `splitlines`). Guests keep what users write
 * in files of lines, which programs of many kinds read.
 */
export function isOneLine(text: string): boolean {
  return text.isWellFormed() && matcher.test(text)
}
