import { appendFileSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A Debian guest takes half a minute to a minute of a whole run under software emulation: `npm test` may boot this many. */
export const DEBIAN_BOOT_BUDGET = 8

/** What the qemu driver publishes on the diagnostics channel `berth:machine-boot` before it starts a machine's process. */
export interface MachineBoot {
  /** Name of the guest image, such as `debian-12`. */
  readonly image: string
  /** UUID of the compute instance. */
  readonly machine: string
}

/** Node's diagnostics_channel(3) on which a driver announces a cold boot; messages are `MachineBoot`s. */
export const BOOT_CHANNEL = 'berth:machine-boot'

/**
 * Writes one cold boot of Debian to the ledger of this run, before it happens. Without a ledger
 * (BERTH_BOOT_LEDGER unset, as when vitest is run by hand) nothing is counted.
 * @throws Error on the ninth boot, naming the eight that came before.
 */
export function recordDebianBoot(what: string): void {
  const ledger = process.env['BERTH_BOOT_LEDGER']
  if (!ledger) return
  // One short append is atomic (write(2), O_APPEND), so several servers under test can share the ledger.
  appendFileSync(ledger, `${what.replaceAll(/\s+/g, ' ')}\n`)
  const boots = debianBoots(ledger)
  if (boots.length > DEBIAN_BOOT_BUDGET) {
    throw new Error(
      `A run may cold-boot Debian at most ${DEBIAN_BOOT_BUDGET} times, and this would be one more: ${what}. ` +
        `Use the tiny image, or a guest that is already up. Booted so far:\n${boots.slice(0, -1).join('\n')}`,
    )
  }
}

/** The Debian boots of a run in order of time, one line each; none when nothing was written yet. */
export function debianBoots(ledger = process.env['BERTH_BOOT_LEDGER']): string[] {
  if (!ledger) return []
  return readFileSync(ledger, 'utf8').split('\n').filter(Boolean)
}

/**
 * The environment to start a server under test with, so that its Debian boots are counted: Node loads
 * `boot-budget-preload.ts` first, which listens to the driver's announcements.
 */
export function countedBoots(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const preload = fileURLToPath(new URL('boot-budget-preload.ts', import.meta.url))
  const quoted = `"${preload.replaceAll(/["\\]/g, String.raw`\$&`)}"`
  return { ...environment, NODE_OPTIONS: `${environment['NODE_OPTIONS'] ?? ''} --import=${quoted}`.trim() }
}
