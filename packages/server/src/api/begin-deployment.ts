import type { ComputeInstanceRow } from '../store/schema.ts'

type Beginning = Pick<ComputeInstanceRow, 'status' | 'reason' | 'phase' | 'phase_started_at' | 'steps'>

/** What a row says when the reconciler is to bring it to its published settings, for the first time or again. */
export function beginDeployment(instance: ComputeInstanceRow, now: number): Beginning {
  return {
    status: 'submitted',
    reason: 'Waiting to be deployed.',
    phase: wayOf(instance),
    phase_started_at: now,
    steps: '[]',
  }
}

/** Where the reconciler begins (lifecycle/deploy/phases.ts): at the bottom, or with a machine that is there. */
function wayOf({ machine_present, boot_id, power_state, desired_power, phase }: ComputeInstanceRow): string {
  // A guest on its way down is let down; one that is to run again comes up with the new configuration.
  if (phase.startsWith('down:')) return 'down:shutdown'
  if (machine_present === 1 && desired_power === 'stopped') {
    // A stop that failed is taken up where it was.
    return power_state === 'stopped' ? 'keep:image' : 'down:shutdown'
  }
  if (boot_id !== null) return 'change:address'
  return 'up:place'
}
