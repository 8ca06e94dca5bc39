import { expect, test } from 'vitest'
import { instanceWarnings } from './instance-warnings.ts'

test('of many names that the profile lacks, as many are looked at as warnings are shown', () => {
  const own = (harmless: number) => [
    ...Array.from({ length: harmless }, (_, index) => ({ name: `tag-${index}`, value: 'x' })),
    { name: 'SSH Keys', value: 'x' },
  ]
  const warned = (harmless: number) =>
    instanceWarnings({
      kind: 'ComputeInstance',
      profile: { variables: [] },
      variables: own(harmless),
      machineDiskGib: null,
    }).some((sentence) => sentence.includes('SSH Keys'))
  expect(warned(15)).toBe(true)
  expect(warned(16)).toBe(false)
})
