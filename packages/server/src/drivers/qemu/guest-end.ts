/** What a person reads of a guest whose system was halted and not powered off. */
export const HALTED = 'The guest was halted without being powered off.'

/** What Linux writes before the word on why it panics (kernel/panic.c). */
const PANIC = 'Kernel panic - not syncing'
/** What it writes last, and only where it is not to restart by itself. */
const PANIC_END = `---[ end ${PANIC}`
/** Longest word on why, in characters. */
const MAX_WORD = 200

/**
 * Whether every CPU sleeps with interrupts off, so that nothing but a reset wakes one again. An idle guest's CPUs
 * sleep as well, with interrupts on (Intel SDM, HLT).
 * @param registers what QEMU's monitor answers to `info registers -a`
 */
export function areAllHalted(registers: string): boolean {
  const flags = registers.split('\n').flatMap((line) => {
    const [, value, halted] = /\b[RE]FL=([0-9a-f]{8}) .* HLT=([01])/.exec(line.slice(0, 200)) ?? []
    return value === undefined
      ? []
      : [{ interrupts: (Number.parseInt(value, 16) & INTERRUPTS) !== 0, halted }]
  })
  return flags.length > 0 && flags.every(({ interrupts, halted }) => halted === '1' && !interrupts)
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
