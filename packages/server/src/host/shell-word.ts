/** One word of a shell command, for a person to paste. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=[\],-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
