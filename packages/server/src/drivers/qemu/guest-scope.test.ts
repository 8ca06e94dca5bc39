import { expect, test } from 'vitest'
import { machineIdOf } from './guest-process.ts'
import { launchArguments } from './launch-guest.ts'
import { filesIn } from './machine-files.ts'

const id = '6f1e3c1a-52bd-4a0e-9a5c-0d9a4e6f7b21'

function plan(accelerator: 'kvm' | 'tcg', vcpus: number, memoryMib: number) {
  return { installId: 'abc123', id, vcpus, memoryMib, accelerator, kernel: null, volumes: true, nic: null }
}

const options = {
  files: filesIn(`/var/lib/berth/instances/${id}`),
  account: { name: 'berth-guest', uid: 999, gid: 999 },
  qemuBinary: 'qemu-system-x86_64',
  namespace: 'berth-abc123-net',
}

test('under systemd a machine is a scope outside the service, with limits that leave QEMU its own share', () => {
  const words = launchArguments(plan('tcg', 2, 2048), { ...options, scoped: true })
  const end = words.indexOf('--')
  expect(words.slice(0, end)).toEqual([
    'systemd-run',
    '--scope',
    '--quiet',
    '--collect',
    '--slice=berth.slice',
    `--unit=berth-abc123-${id}.scope`,
    `--description=Berth guest ${id}`,
    // 2048 for the guest; 256 + 2 * 16 + 32 for QEMU; 384 for software emulation.
    '--property=MemoryMax=2752M',
    '--property=CPUQuota=250%',
  ])
  expect(words.slice(end + 1, end + 6)).toEqual([
    'flock',
    '--exclusive',
    '--nonblock',
    '--conflict-exit-code=97',
    '--no-fork',
  ])
  // While systemd-run has not become QEMU yet, the machine is found by the same arguments.
  expect(machineIdOf(words.join('\0'), 'abc123')).toBe(id)
})

test('KVM needs no room for translated code', () => {
  const words = launchArguments(plan('kvm', 1, 1024), { ...options, scoped: true })
  expect(words).toContain('--property=MemoryMax=1312M')
})

test('elsewhere, and for a trial guest that ends with the server, there is no scope', () => {
  expect(launchArguments(plan('tcg', 1, 256), { ...options, scoped: false })[0]).toBe('flock')
  const trial = { ...options, scoped: true, diesWithServer: true }
  expect(launchArguments(plan('tcg', 1, 256), trial)[0]).toBe('flock')
})
