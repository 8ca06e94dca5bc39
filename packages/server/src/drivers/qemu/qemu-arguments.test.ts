import { HostError } from '@berth/contract/host/host-error'
import { expect, test } from 'vitest'
import { qemuArguments, type QemuPlan } from './qemu-arguments.ts'

const plan: QemuPlan = {
  installId: 'abc123',
  id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
  vcpus: 2,
  memoryMib: 1024,
  accelerator: 'tcg',
  kernel: {
    image: '/images/a,b/kernel',
    initrd: '/images/a,b/initrd',
    arguments: ['console=ttyS0', 'quiet'],
  },
  volumes: true,
  containers: true,
  nic: { tap: 'g5', mac: '52:54:00:00:00:05' },
}

function valuesOf(words: readonly string[], option: string): string[] {
  return words.flatMap((word, index) => (word === option ? [words[index + 1] ?? ''] : []))
}

test('a path with a comma stands alone, never in an option string', () => {
  const words = qemuArguments(plan)
  expect(words.filter((word) => word.includes('/'))).toEqual(['/images/a,b/kernel', '/images/a,b/initrd'])
  expect(valuesOf(words, '-kernel')).toEqual(['/images/a,b/kernel'])
  expect(valuesOf(words, '-append')).toEqual(['console=ttyS0 quiet'])
})

test('the process can be known by its arguments', () => {
  const words = qemuArguments(plan)
  expect(valuesOf(words, '-uuid')).toEqual([plan.id])
  expect(valuesOf(words, '-name')).toEqual([`guest=berth-abc123-${plan.id},process=berth-abc123`])
})

test('every block device and device is JSON, and all but the disk are read-only', () => {
  const words = qemuArguments(plan)
  const blocks = valuesOf(words, '-blockdev').map((text) => JSON.parse(text))
  expect(blocks).toMatchObject([
    { 'node-name': 'disk', discard: 'unmap', cache: { direct: false, 'no-flush': false } },
    { 'node-name': 'seed', 'read-only': true },
    { 'node-name': 'containers', 'read-only': true, file: { filename: 'containers.img', 'read-only': true } },
  ])
  const devices = valuesOf(words, '-device').map(
    (text) => JSON.parse(text) as { driver: string; addr?: string },
  )
  const slots = devices.flatMap(({ addr }) => addr ?? [])
  expect(new Set(slots).size).toBe(slots.length)
  expect(devices).toContainEqual(expect.objectContaining({ name: 'io.berth.ready' }))
})

test('the sandbox is on, and the guest reboots by itself', () => {
  const words = qemuArguments(plan)
  expect(valuesOf(words, '-sandbox')[0]).toContain('spawn=deny')
  expect(words).not.toContain('-no-reboot')
  expect(words).not.toContain('-no-shutdown')
})

test('a kernel that panics can tell, and its machine waits to be looked at', () => {
  const words = qemuArguments(plan)
  expect(valuesOf(words, '-action')).toEqual(['panic=pause'])
  expect(valuesOf(words, '-device').join()).toContain('pvpanic-pci')
})

test('without a card, volumes or kernel there is none of their options', () => {
  const words = qemuArguments({
    ...plan,
    nic: null,
    volumes: false,
    containers: false,
    kernel: null,
    accelerator: 'kvm',
  })
  for (const option of ['-netdev', '-blockdev', '-kernel']) expect(words).not.toContain(option)
  expect(valuesOf(words, '-cpu')).toEqual(['host'])
  expect(valuesOf(words, '-accel')).toEqual(['kvm'])
})

test.each<Partial<QemuPlan>>([
  { installId: 'x,y=1a' },
  { id: '../../etc' },
  { vcpus: 1.5 },
  { memoryMib: Number.NaN },
  { nic: { tap: 'a,script=/x', mac: '52:54:00:00:00:05' } },
  { nic: { tap: 'g5', mac: '52:54:00:00:00:05,x=y' } },
  { kernel: { image: '/k', arguments: ['quiet init=/bin/sh'] } },
])('refuses %j', (part) => {
  expect(() => qemuArguments({ ...plan, ...part })).toThrow(HostError)
})
