/** Between words. */
const BLANKS = ' \t\n'
/** What a backslash takes the meaning from within double quotes; before anything else it stands for itself. */
const SPECIAL_IN_QUOTES = '$`"\\'

/**
 * The words of a line as a POSIX shell parts them (Shell Command Language, 2.2 Quoting): by blanks, with quotation
 * marks and backslashes taken away. Nothing is expanded and nothing else has a meaning, since no shell reads the words.
 * @returns undefined when a quotation mark has no pair, or the line ends in a backslash
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  /** undefined between words: a pair of quotation marks alone is a word. */
  let word: string | undefined
  let quote: '"' | "'" | undefined
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    if (character === quote) quote = undefined
    else if (quote === "'") word += character
    else if (character === '\\') {
      const next = line.charAt(++at)
      if (next === '') return undefined
      // A line that is continued.
      if (next === '\n') continue
      word = (word ?? '') + (quote === undefined || SPECIAL_IN_QUOTES.includes(next) ? next : `\\${next}`)
    } else if (quote === '"') word += character
    else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (!BLANKS.includes(character)) word = (word ?? '') + character
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (quote !== undefined) return undefined
  return word === undefined ? words : [...words, word]
}
