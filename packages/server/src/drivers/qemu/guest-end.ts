/** What a person reads of a guest whose system was halted and not powered off. */
export const HALTED = 'The guest was halted without being powered off.'

/** What Linux writes before the word on why it panics (kernel/panic.c). */
const PANIC = 'Kernel panic - not syncing'
/** What it writes last, and only where it is not to restart by itself. */
const PANIC_END = `---[ end ${PANIC}`
/** Longest word on why, in characters. */
const MAX_WORD = 200

/**
 * Whether a CPU sleeps with interrupts off, so that only a reset wakes it again, or another CPU of the guest. An idle
 * one sleeps as well, with interrupts on (Intel SDM, HLT).
 * @param registers what QEMU's monitor answers to `info registers`
 */
export function isHalted(registers: string): boolean {
  const line = registers.split('\n').find((each) => each.includes(' HLT='))
  const flags = /\b[RE]FL=([0-9a-f]{8}) /.exec(line ?? '')?.[1]
  return line?.includes(' HLT=1') === true && flags !== undefined && !letsIn(flags)
}

function letsIn(flags: string): boolean {
  return (Number.parseInt(flags, 16) & INTERRUPTS) !== 0
}

/** The flag of EFLAGS that lets interrupts in. */
const INTERRUPTS = 0x200

/** Whether a console's last line is a kernel's that panicked and waits for ever. */
export function endsInPanic(console: string): boolean {
  const end = console.trimEnd()
  return end.slice(end.lastIndexOf('\n') + 1).includes(PANIC_END)
}

/** Says of a kernel that panicked why it did, in its own word on the console. */
export function panicOf(console: string): string {
  const [line = ''] = console.slice(console.lastIndexOf(PANIC)).split('\n', 1)
  const word = line.startsWith(`${PANIC}: `) ? line.slice(PANIC.length + 2, PANIC.length + 2 + MAX_WORD) : ''
  const why = word.replace(' ]---', '').trim()
  return why === '' ? 'The guest’s kernel panicked.' : `The guest’s kernel panicked: ${why}.`
}
