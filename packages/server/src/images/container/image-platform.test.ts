import { expect, test } from 'vitest'
import { isForGuests, offers } from './image-platform.ts'

const hex = (n: number) => `sha256:${String(n).repeat(64)}`
const entry = (n: number, platform?: unknown) => ({
  digest: hex(n),
  ...(platform === undefined ? {} : { platform }),
})
const amd64 = { os: 'linux', architecture: 'amd64' }
const promised = (n: number) => [{ digest: hex(n), promised: true }]

test.each([
  ['one that fits', [entry(1, { ...amd64, architecture: 'arm64' }), entry(2, amd64)], promised(2)],
  ['an entry without platform before it', [entry(1), entry(2, amd64)], promised(2)],
  ['an empty platform before it', [entry(1, {}), entry(2, amd64)], promised(2)],
  ['empty words', [entry(1, { os: '', architecture: '' }), entry(2, amd64)], promised(2)],
  ['null for a platform', [entry(1, null), entry(2, amd64)], promised(2)],
  [
    'entries that make no sense',
    ['x', null, { digest: 5 }, { digest: 'sha512:ab' }, entry(2, amd64)],
    promised(2),
  ],
  ['a variant before the baseline', [entry(1, { ...amd64, variant: 'v3' }), entry(2, amd64)], promised(2)],
  [
    'the baseline by its name',
    [entry(1, { ...amd64, variant: 'v2' }), entry(2, { ...amd64, variant: 'v1' })],
    promised(2),
  ],
  ['two that fit', [entry(1, amd64), entry(2, amd64)], promised(1)],
  [
    'none that says so',
    [entry(1), entry(2, { os: 'linux', architecture: 'arm64' }), entry(3, {})],
    [1, 3].map((n) => ({ digest: hex(n), promised: false })),
  ],
  ['only others', [entry(1, { ...amd64, variant: 'v3' })], []],
])('an index with %s', (_, manifests, fitting) => {
  expect(offers({ manifests })?.fitting).toEqual(fitting)
})

test('what does not fit is named, and attestations are not', () => {
  const manifests = [
    entry(1, { ...amd64, variant: 'v3' }),
    entry(2, { os: 'linux', architecture: 'arm', variant: 'v7' }),
    entry(3, { os: 'unknown', architecture: 'unknown' }),
    entry(4, { os: 'linux', architecture: 'x'.repeat(1000) }),
  ]
  const names = offers({ manifests })?.others
  expect(names?.slice(0, 2)).toEqual(['linux/amd64/v3', 'linux/arm/v7'])
  expect(names?.[2]).toHaveLength(40)
})

test.each([null, 'x', {}, { manifests: 'x' }, { config: { digest: hex(1) }, layers: [] }])(
  '%j is no index',
  (value) => {
    expect(offers(value)).toBeNull()
  },
)

test('a configuration that says nothing is believed only where its index says something', () => {
  expect(isForGuests({}, true)).toBe(true)
  expect(isForGuests({}, false)).toBe(false)
  expect(isForGuests(amd64, false)).toBe(true)
  expect(isForGuests({ ...amd64, architecture: 'arm64' }, true)).toBe(false)
  expect(isForGuests(null, true)).toBe(false)
})
