/** Longer names are never near: comparing them would cost more than it helps. */
const LONGEST = 64

interface Spelling {
  readonly name: string
  readonly words: readonly string[]
  readonly folded: string
}

interface NearOptions {
  /**
   * Also takes words of 4 letters for a slip away, which have another one more, one less or two swapped. For names that
   * are all known, such as commands: among words that users make up, many are as near to each other.
   */
  readonly shortWords?: boolean
}

/**
 * Finds the known name that somebody most likely meant: the same but for case, spacing and punctuation; or with
 * words missing (`SSH Keys`) or one too many; or a slip of the keyboard away (`Guest Pasword`).
 * @returns for a name: undefined when none is near, or several are as near
 */
export function nameFinder(
  known: readonly string[],
  { shortWords = false }: NearOptions = {},
): (name: string) => string | undefined {
  let spellings: Spelling[] | undefined
  return (name) => {
    if (name.length > LONGEST) return undefined
    const spelling = spellingOf(name)
    if (spelling.folded === '') return undefined
    spellings ??= known.filter((candidate) => candidate.length <= LONGEST).map(spellingOf)
    return nearest(spelling, spellings, shortWords)
  }
}

function nearest(spelling: Spelling, known: readonly Spelling[], shortWords: boolean): string | undefined {
  let least = Number.POSITIVE_INFINITY
  let found: string[] = []
  for (const candidate of known) {
    if (candidate.name === spelling.name) continue
    const distance = distanceOf(spelling, candidate, shortWords)
    if (distance > least) continue
    found = distance < least ? [candidate.name] : [...found, candidate.name]
    least = distance
  }
  return least < Number.POSITIVE_INFINITY && found.length === 1 ? found[0] : undefined
}

function spellingOf(name: string): Spelling {
  const words = wordsOf(name)
  return { name, words, folded: words.join('') }
}

/** 0 for the same letters, then words more or less, then slips; infinite when not near. */
function distanceOf(
  { words, folded }: Spelling,
  { words: others, folded: other }: Spelling,
  shortWords: boolean,
): number {
  if (folded === other) return 0
  const [fewer, more] = words.length < others.length ? [words, others] : [others, words]
  const missing = more.length - fewer.length
  // Of what somebody wrote, one word may be too much; of a known name, any may be missing.
  const isPart = missing > 0 && fewer.length > 0 && fewer.every((word) => more.includes(word))
  if (isPart && (more === others || missing === 1)) return missing
  const most = shortWords && isShortSlip(folded, other) ? 1 : mostSlips(Math.min(folded.length, other.length))
  const slips = slipsBetween(folded, other, most)
  return slips <= most ? LONGEST + slips : Number.POSITIVE_INFINITY
}

/** Whether of two words the longer has 4 letters or 5, and they could differ in a letter more or in the order alone. */
function isShortSlip(one: string, other: string): boolean {
  if (Math.max(one.length, other.length) < 4) return false
  return one.length !== other.length || lettersOf(one) === lettersOf(other)
}

function lettersOf(word: string): string {
  return word.split('').toSorted().join('')
}

function mostSlips(length: number): number {
  if (length < 5) return 0
  return length < 9 ? 1 : 2
}

/** In lower case, without a plural's `s`; cut at whatever is no letter or digit, and where a capital begins a word. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => (word.length > 2 && word.endsWith('s') ? word.slice(0, -1) : word))
    .filter((word) => word !== '')
}

/**
 * How many letters must be added, dropped, changed or swapped with their neighbour to make one text of the other
 * (optimal string alignment), looked for near the diagonal only.
 * @returns `most` + 1 when it is more than `most`
 */
function slipsBetween(one: string, other: string, most: number): number {
  const tooMany = most + 1
  if (Math.abs(one.length - other.length) > most) return tooMany
  const at = (row: readonly number[] | undefined, column: number) => row?.[column] ?? tooMany
  let before: number[] | undefined
  let previous: number[] = Array.from({ length: Math.min(most, other.length) + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const current: number[] = []
    const last = Math.min(other.length, row + most)
    for (let column = Math.max(0, row - most); column <= last; column++) {
      const same = one[row - 1] === other[column - 1]
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      current[column] =
        column === 0
          ? row
          : Math.min(
              at(previous, column) + 1,
              at(current, column - 1) + 1,
              at(previous, column - 1) + (same ? 0 : 1),
              swapped && row > 1 && column > 1 ? at(before, column - 2) + 1 : tooMany,
            )
    }
    if (Math.min(...current.slice(Math.max(0, row - most))) > most) return tooMany
    before = previous
    previous = current
  }
  return Math.min(tooMany, at(previous, other.length))
}
