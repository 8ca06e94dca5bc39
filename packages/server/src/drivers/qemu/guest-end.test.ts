import { expect, test } from 'vitest'
import { endsInPanic, isHalted, panicOf } from './guest-end.ts'

const HALTED = 'RIP=ffffffffb763d023 RFL=00000092 [--S-A--] CPL=0 II=0 A20=1 SMM=0 HLT=1'

test.each([
  ['sleeps with interrupts off', HALTED, true],
  ['does so in a firmware’s mode', HALTED.replace('RIP=ffffffffb763d023 RFL', 'EIP=0000e05b EFL'), true],
  ['waits for an interrupt', HALTED.replace('00000092', '00000246'), false],
  ['works with interrupts off', HALTED.replace('HLT=1', 'HLT=0'), false],
  ['is not told of', '', false],
])('a CPU that %s', (_what, flags, dead) => {
  const registers = ['RAX=0000000000000000 RBX=0000000000000000', flags, 'ES =0000 00000000'].join('\r\n')
  expect(isHalted(registers)).toBe(dead)
})

const CRASH = [
  '[   10.19] Kernel panic - not syncing: sysrq triggered crash',
  '[   10.19] CPU: 1 PID: 57 Comm: init Not tainted 6.1.0',
  '[   10.19] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---',
  '',
].join('\n')

test('a kernel that waits for ever after its panic is told from one that restarts, and from an earlier panic', () => {
  expect(endsInPanic(CRASH)).toBe(true)
  expect(endsInPanic(CRASH.split('\n').slice(0, 2).join('\n'))).toBe(false)
  expect(endsInPanic(`${CRASH}Booting from ROM...\n`)).toBe(false)
  expect(endsInPanic('')).toBe(false)
})

test('why it panicked is its own word, cut to a length', () => {
  expect(panicOf(CRASH)).toBe('The guest’s kernel panicked: sysrq triggered crash.')
  expect(panicOf('Kernel panic - not syncing')).toBe('The guest’s kernel panicked.')
  expect(panicOf('nothing of the kind')).toBe('The guest’s kernel panicked.')
  expect(panicOf(`Kernel panic - not syncing: ${'x'.repeat(10_000)}`).length).toBeLessThan(300)
})
