import { expect, test } from 'vitest'
import { machineIdOf } from './guest-process.ts'
import { qemuArguments } from './qemu-arguments.ts'

const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'

function cmdline(installId: string): string {
  const kernel = { image: '/kernel', arguments: ['quiet'] }
  const plan = { installId, id, vcpus: 1, memoryMib: 128, kernel, volumes: true, nic: null }
  const words = ['/usr/bin/qemu-system-x86_64', ...qemuArguments({ ...plan, accelerator: 'tcg' })]
  return `${words.join('\0')}\0`
}

test('a machine is known by its own arguments, and by no other installation', () => {
  expect(machineIdOf(cmdline('abc123'), 'abc123')).toBe(id)
  expect(machineIdOf(cmdline('abc124'), 'abc123')).toBeUndefined()
})

test.each([
  '',
  `pgrep\0-f\0-uuid ${id} -name guest=berth-abc123-${id},\0`,
  `qemu\0-uuid\0${id}\0`,
  `qemu\0-name\0guest=berth-abc123-${id},process=x\0`,
  `qemu\0-uuid\0${id.replace('6', '7')}\0-name\0guest=berth-abc123-${id},process=x\0`,
  `qemu\0-name\0guest=berth-abc123-,x\0-uuid\0`,
])('%j is no machine', (text) => {
  expect(machineIdOf(text, 'abc123')).toBeUndefined()
})
