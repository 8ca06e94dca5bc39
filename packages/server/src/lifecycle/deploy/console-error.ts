/** Longest line that is repeated, in characters. */
const MAX_LINE = 200

/**
 * What kernels, initial file systems, systemd and boot loaders write when a boot goes wrong, the gravest first: what
 * comes later in the list is often but a consequence of what comes earlier.
 */
const MARKS = [
  'Kernel panic',
  'No bootable device',
  'Boot failed',
  'grub rescue',
  'Unable to mount root',
  'Cannot open root device',
  'no root file system',
  'ALERT!',
  'No space left on device',
  'Out of memory',
  'I/O error',
  'EXT4-fs error',
  'Corruption',
  'Read-only file system',
  'emergency mode',
  'Failed to mount',
  'Dependency failed',
  'Failed to start',
] as const

/**
 * The line of a guest's console that tells best what went wrong; null when none does.
 * @param console what the guest wrote since its start, free of what a terminal would obey
 */
export function consoleError(console: string): string | null {
  const lines = console.split('\n')
  for (const mark of MARKS) {
    const line = lines.findLast((candidate) => candidate.includes(mark))
    if (line === undefined) continue
    const text = line.trim()
    // A line may be as long as the whole console: what is looked for must be in what is left of it.
    const start = Math.max(0, text.indexOf(mark) - MAX_LINE / 2)
    return text.slice(start, start + MAX_LINE).replace(/\.$/, '')
  }
  return null
}
