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

/** Where one port forward is reached. */
export interface PortForwardPlace {
  /** As the user named it; "" when they did not. */
  readonly application: string
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  readonly internalPort: number
  /** As the user gave it. */
  readonly source: string
}

/**
 * The forwards as people and programs read them, one a line: `web tcp 127.0.0.1:30001 -> 8080 from any`. The
 * application may hold blanks or be absent, so programs read a line from the protocol on.
 */
export function portForwardsText(places: readonly PortForwardPlace[]): string {
  if (places.length === 0) return NO_PORT_FORWARDS
  return places
    .map(({ application, protocol, address, port, internalPort, source }) =>
      oneLine(`${application} ${protocol} ${address}:${port} -> ${internalPort} from ${source}`),
    )
    .join('\n')
}

/** Blanks and control characters become single blanks. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
}

/** Wraps the keys as clients read them: resource template → tasks → task → key → text. */
export function vmOutput(keys: VmOutput): InstanceOutput {
  return { vm: { tasks: { guest: { ...keys } } } }
}
