import { expect, test } from 'vitest'
import { fullest } from './guest-look.ts'

const fileSystem = (mountpoint: string, used: number, slot: number | null, total = 100) => ({
  mountpoint,
  type: 'ext4',
  'used-bytes': used,
  'total-bytes': total,
  disk:
    slot === null
      ? []
      : [{ 'bus-type': 'virtio', 'pci-controller': { bus: 0, slot, domain: 0, function: 0 } }],
})

test('of the machine’s own disk the fullest file system counts, without those for booting and of other disks', () => {
  const answer = [
    fileSystem('/', 50, 3),
    fileSystem('/var', 80, 3),
    fileSystem('/boot', 99, 3),
    fileSystem('/boot/efi', 99, 3),
    fileSystem('/run/images', 100, 8),
  ]
  expect(fullest(answer)).toEqual({ mountpoint: '/var', usedBytes: 80, totalBytes: 100 })
})

test('where disks are not told, the root counts; root may use more than others', () => {
  expect(fullest([fileSystem('/', 104, null), fileSystem('/mnt', 1, null)])).toEqual({
    mountpoint: '/',
    usedBytes: 100,
    totalBytes: 100,
  })
})

test.each([
  undefined,
  {},
  'x',
  [null, 7, { mountpoint: '/' }],
  [{ mountpoint: '/', 'used-bytes': -1, 'total-bytes': 5 }],
  [{ mountpoint: '/', 'used-bytes': 5, 'total-bytes': 0 }],
  [{ mountpoint: '/', 'used-bytes': '5', 'total-bytes': 10, disk: { slot: 3 } }],
])('an answer of another kind, %j, tells nothing', (answer) => {
  expect(fullest(answer)).toBeUndefined()
})

test('a mount point is bounded and free of what a terminal obeys', () => {
  const long = `/\u001B[31m${'x'.repeat(5000)}`
  expect(fullest([fileSystem(long, 1, 3)])?.mountpoint).toBe(`/${'x'.repeat(99)}`)
})
