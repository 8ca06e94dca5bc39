import { expect, test } from 'vitest'
import { areAllHalted, endsInPanic, panicOf } from './guest-end.ts'

/** As `info registers -a` of QEMU 7.2 tells it of two CPUs. */
function registers(...cpus: readonly string[]): string {
  return cpus
    .map((flags, index) =>
      ['', `CPU#${index}`, 'RAX=0000000000000000 RBX=0000000000000000', flags, 'ES =0000 HLT=1'].join('\r\n'),
    )
    .join('\r\n')
}
const rip = 'RIP=ffffffffb763d023 RFL'
const halted = `${rip}=00000092 [--S-A--] CPL=0 II=0 A20=1 SMM=0 HLT=1`
const idle = `${rip}=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1`
const busy = `${rip}=00000093 [--S-A-C] CPL=0 II=0 A20=1 SMM=0 HLT=0`

test.each([
  ['every CPU sleeps with interrupts off', [halted, halted], true],
  [
    'a firmware’s CPU does, in 32 bits',
    [halted.replace('RIP=ffffffffb763d023 RFL', 'EIP=0000e05b EFL')],
    true,
  ],
  ['one of them waits for interrupts: idle', [halted, idle], false],
  ['all wait for interrupts', [idle, idle], false],
  ['one works with interrupts off', [busy, halted], false],
  ['nothing is said of any', [], false],
])('a guest of which %s', (_what, cpus, dead) => {
  expect(areAllHalted(registers(...cpus))).toBe(dead)
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
