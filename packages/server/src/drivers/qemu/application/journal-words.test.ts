import { expect, test } from 'vitest'
import { JOURNAL_BYTES, JOURNAL_ENTRIES, journalWords } from './journal-words.ts'

// Entries as journalctl of Debian 12 printed them for podman 4.3.1 and conmon, but for cursor and times.

const STAMPS = {
  __CURSOR:
    's=269ea7bdf03449e9a4f311d1a7fa16ce;i=354;b=274b9e1283db45b79bb980f2348c3d74;m=cc81213;t=66153eaa552ac',
  __REALTIME_TIMESTAMP: '1795862907146924',
  __MONOTONIC_TIMESTAMP: '214438419',
  _BOOT_ID: '274b9e1283db45b79bb980f2348c3d74',
}

type Message = string | readonly number[]

function entry(fields: object): string {
  return JSON.stringify({ ...STAMPS, PRIORITY: '6', ...fields })
}
const wrote = (MESSAGE: Message, more: object = {}) =>
  entry({ MESSAGE, _TRANSPORT: 'journal', CONTAINER_NAME: 'berth-application', ...more })
const piece = (MESSAGE: Message) => wrote(MESSAGE, { CONTAINER_PARTIAL_MESSAGE: 'true' })
const podman = (MESSAGE: string) => entry({ MESSAGE, _TRANSPORT: 'stdout' })
const podmanEvent = entry({ MESSAGE: '', _TRANSPORT: 'journal' })

function wordsOf(...entries: string[]) {
  return journalWords(entries.map((line) => `${line}\n`).join(''))
}
function linesOf(...entries: string[]): string[] {
  return wordsOf(...entries).log.map(({ text }) => text)
}

test.each([
  [
    'Error: crun: executable file `/usr/bin/no-such-program` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found',
    'crun: executable file `/usr/bin/no-such-program` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found',
  ],
  [
    'Error: crun: open executable: Permission denied: OCI permission denied',
    'crun: open executable: Permission denied: OCI permission denied',
  ],
  [
    'Error: unable to find user nobody-here: no matching entries in passwd file',
    'unable to find user nobody-here: no matching entries in passwd file',
  ],
  [
    'Error: workdir "/nope" does not exist on container 72c50a3cedc2170ab204c99768a772d3ab591790b6837f71d8dfd28874b179ab',
    'workdir "/nope" does not exist on container 72c50a3cedc2',
  ],
  [
    'Error: write /var/tmp/3601860986: no space left on device',
    'write /var/tmp/3601860986: no space left on device',
  ],
])('podman’s complaint %j is told', (message, words) => {
  expect(wordsOf(podmanEvent, podman(message), podmanEvent, podman(message))).toEqual({
    log: [],
    engineError: words,
  })
})

test('a complaint counts no more once the application has written something', () => {
  const { log, engineError } = wordsOf(podman('Error: no space left on device'), wrote('up again\n'))
  expect(log).toEqual([{ text: 'up again', isWhole: true }])
  expect(engineError).toBe('')
  expect(wordsOf(podman('time="…" level=warning msg="cgroups"')).engineError).toBe('')
})

test('the application’s lines come in order, without control characters and empty lines', () => {
  const escaped = [...Buffer.from('esc \u001b[31mred\u001b[0m\n')]
  const raw = [255, 254, 32, 114, 97, 119, 10]
  expect(linesOf(wrote('start\n'), wrote('\n'), wrote(escaped), wrote(raw), podmanEvent)).toEqual([
    'start',
    'esc red',
    '\ufffd\ufffd raw',
  ])
})

test('a line in pieces is one again, and one without an end is shown', () => {
  const half = 'B'.repeat(15_541)
  const errors = { PRIORITY: '3' }
  const lines = linesOf(
    piece(half),
    wrote('an error between\n', errors),
    wrote('end\n'),
    piece('no line feed yet'),
  )
  expect(lines).toEqual(['an error between', `${half}end`, 'no line feed yet'])
})

test('of a line that is longer than anybody reads, the end is there, and known for one', () => {
  const [line] = wordsOf(...Array.from({ length: 10 }, () => piece('B'.repeat(15_000))), wrote('END\n')).log
  expect(line?.text).toMatch(/^B+END$/)
  expect(line?.isWhole).toBe(false)
})

test('a progress bar shows what it wrote last', () => {
  expect(wordsOf(piece(' 10%\r 20%\r'), wrote(' 30%\r\n')).log).toEqual([{ text: ' 30%', isWhole: true }])
})

test('where the journal is cut, the first line of each stream may lack its beginning', () => {
  const many = Array.from({ length: JOURNAL_ENTRIES }, (_, index) => wrote(`line ${index}\n`))
  const { log } = wordsOf(...many.slice(1), wrote('oops\n', { PRIORITY: '3' }))
  expect(log.filter(({ isWhole }) => !isWhole).map(({ text }) => text)).toEqual(['line 1', 'oops'])
  const [broken] = journalWords(`${wrote('x').slice(30)}\n${wrote('rest of a line\n')}`).log
  expect(broken).toEqual({ text: 'rest of a line', isWhole: false })
})

test('whatever a guest prints is read in linear time and bounded', () => {
  const nasty = [
    '[',
    '{"MESSAGE":',
    'null',
    '5',
    '[]',
    '{}',
    '\u0000',
    '"',
    '{"MESSAGE":{"a":1},"CONTAINER_NAME":1}',
  ]
  expect(wordsOf(...nasty)).toEqual({ log: [], engineError: '' })
  const flood = wordsOf(...Array.from({ length: 200 }, () => wrote(`${'\\ \t'.repeat(3_000)}\n`)))
  const size = flood.log.reduce((sum, { text }) => sum + text.length, 0)
  expect(size).toBeLessThanOrEqual(JOURNAL_BYTES)
  expect(wordsOf(podman(`Error: ${'a '.repeat(30_000)}`)).engineError.length).toBeLessThan(700)
})
