import { SECOND } from '../store/clock.ts'
import type { PhaseInput } from './deploy/phase.ts'
import type { Host } from './host.ts'

/** A guest may report that it is up some seconds before its sshd listens. */
const PATIENCE_SECONDS = 30
/** One that was not heard may begin to serve SSH at any time. */
const AGAIN_SECONDS = 60

/** What is known of SSH in a guest that has not been heard to speak it since it was started. */
export interface SilentSsh {
  /** When it was first tried, in microseconds. */
  readonly since: number
  readonly triedAt: number
  /** `refused`: connections end at once; `mute`: nothing comes of them; `other`: something else is spoken there. */
  readonly found: 'refused' | 'mute' | 'other'
}

/**
 * Listens for SSH where the operator's forward leads into the guest, until it was heard once: a server that is asked
 * for nothing notes each such connection in its log. Services answer in other ways.
 * @param before what this process knew; null: it was heard; undefined: it was not tried since the guest was started
 * @returns what is known now; null: it was heard, or does not matter
 */
export async function listenForSsh(
  host: Host,
  { row, settings, now }: PhaseInput,
  at: { readonly address: string; readonly port: number },
  before: SilentSsh | null | undefined,
): Promise<SilentSsh | null> {
  if (before === null || settings.application !== undefined) return null
  if (before && isTold(before, before.triedAt) && now - before.triedAt < AGAIN_SECONDS * SECOND) return before
  const heard = await host.network.greetingAt(at)
  if (heard?.startsWith('SSH-')) return null
  const found = heard === null ? 'mute' : heard === '' ? 'refused' : 'other'
  // What an earlier life of the server told stays said.
  const since = before?.since ?? (row.reason.includes(SILENT) ? 0 : now)
  return { since, triedAt: now, found }
}

const SILENT = 'SSH does not answer'

const FINDINGS = {
  refused: 'the guest refuses connections to port 22',
  mute: 'nothing comes from the guest’s port 22',
  other: 'something else does on the guest’s port 22',
} as const

/** What a user reads of a guest that runs well and speaks no SSH, as a guest may; "" where that is not known. */
export function sshSentence(ssh: SilentSsh | null, now: number): string {
  return ssh === null || !isTold(ssh, now) ? '' : ` ${SILENT}: ${FINDINGS[ssh.found]}.`
}

function isTold({ since }: SilentSsh, now: number): boolean {
  return now - since >= PATIENCE_SECONDS * SECOND
}
