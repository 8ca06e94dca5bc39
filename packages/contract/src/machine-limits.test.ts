import { expect, test } from 'vitest'
import { machineSettings } from './machine-settings.ts'

const sizes = (name: string, value: string, unit?: string) =>
  machineSettings([{ name, ...(unit === undefined ? {} : { options: { unit } }) }], [{ name, value }])

test('a machine can have the sizes that QEMU starts with', () => {
  expect(sizes('Guest CPU Count', '255').vcpus).toBe(255)
  expect(sizes('Guest Memory Size', '64').memoryMib).toBe(64)
  expect(sizes('Guest Memory Size', '0.0625', 'GiB').memoryMib).toBe(64)
  expect(sizes('Guest Disk Size', '0.5').diskGib).toBe(1)
})

test.each([
  ['Guest CPU Count', '256', undefined, '1 to 255'],
  ['Guest Memory Size', '63', undefined, 'from 64 to 16777216 in MiB'],
  ['Guest Memory Size', '0.06', 'GiB', 'from 0.0625 to 16384 in GiB'],
  ['Guest Memory Size', '17', 'TiB', 'to 16 in TiB'],
  ['Guest Disk Size', '0', undefined, 'above 0 and at most 65536 in GiB'],
  ['Guest Disk Size', '10', 'constructor', 'unknown unit'],
])('a %s of %s %s is refused, with the sizes that are taken', (name, value, unit, words) => {
  expect(() => sizes(name, value, unit)).toThrow(words)
})
