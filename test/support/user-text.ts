import * as fc from 'fast-check'

/** What people paste and what spoils lines, YAML, shells and lengths counted in characters. */
const PIECES = [
  'a Z 7 - " \' \\ $ # : { } , / -- \\n é 漢 🚢'.split(' '),
  [' ', '\t', '\n', '\r\n', '\r', '\u0000', '\u0007', '\u001b', '\u007f', '\u0085', '\u009b'],
  ['\u2028', '\u2029', '\u00a0', '\ufeff', '\uffff', '\ud800', '\udc00'],
].flat()

const mixed = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(''))
/** One piece over and over, so that bytes and characters part. */
const long = fc
  .tuple(fc.constantFrom('x', 'é', '漢', '🚢', '\t'), fc.integer({ min: 60, max: 300 }))
  .map(([piece, count]) => piece.repeat(count))
const plain = fc.string({ unit: 'grapheme', maxLength: 20 })

/** Text as users send it for anything that takes text; a good part of it is good. */
export const userText = fc.oneof(mixed, long, plain, fc.string({ unit: 'binary', maxLength: 8 }))
