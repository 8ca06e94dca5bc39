import type { InstanceOutput } from './instance-status.ts'

/** The nine keys of a virtual machine's output, always all there, "" when none (wire contract 2.6). */
export interface VmOutput {
  readonly Hostname: string
  readonly OSName: string
  readonly Username: string
  readonly Password: string
  readonly 'Private IP': string
  readonly 'Public IP': string
  readonly Port: string
  readonly 'Port Forwards': string
  readonly ServerHost: string
}

/** The text that clients expect when there are no forwards (wire contract 2.6). */
export const NO_PORT_FORWARDS = 'No Port forward configured'

/** Wraps the keys as clients read them: resource template → tasks → task → key → text. */
export function vmOutput(keys: VmOutput): InstanceOutput {
  return { vm: { tasks: { guest: { ...keys } } } }
}
