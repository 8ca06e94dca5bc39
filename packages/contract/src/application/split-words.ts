/**
 * The words of a line, parted by blanks; blanks between quotation marks, double or single, belong to the word.
 * Nothing else has a meaning: no shell reads the words.
 * @returns undefined when a quotation mark has no pair
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  const matcher = /\s*((?:[^\s"']|"[^"]*"|'[^']*')+)\s*/gy
  while (matcher.lastIndex < line.trimEnd().length) {
    const match = matcher.exec(line)
    if (!match) return undefined
    words.push((match[1] ?? '').replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single))
  }
  return words
}
