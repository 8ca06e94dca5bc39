import { HostError } from '@berth/contract/host/host-error'
import { SECOND } from '../../store/clock.ts'
import type { CertificateAuthority } from '../../certificates/certificate-authority.ts'
import type { GuestAccess, PublishedSettings } from '../../store/published-settings.ts'
import type { ComputeInstanceRow, GuestAddressRow, ProjectRow } from '../../store/schema.ts'
import type { SecretBox } from '../../store/secret-box.ts'
import type { Tx } from '../../store/store.ts'
import type { Places } from '../guest-network.ts'
import type { Host } from '../host.ts'
import type { Placement } from '../machine-spec.ts'

/** What a phase changes in its instance's row. */
export type Patch = Partial<ComputeInstanceRow>

/**
 * How a phase ends: `done` goes to the next one with a patch; `wait` says for what, and looks again after
 * some seconds; `fail` ends the deployment with a reason and what is known by then; `decide` leaves the answer to
 * the transaction that writes it. A HostError is tried again until the deadline, or ends the deployment at once
 * when it says that trying again cannot help.
 */
export type PhaseResult =
  | Done
  | Wait
  | Failed
  | { readonly decide: (tx: Tx) => Promise<Done | Wait | Failed> }
export interface Done {
  readonly done: Patch
  /** What is worth knowing of the finished step. */
  readonly detail?: string
}
export interface Wait {
  readonly wait: string
  readonly seconds: number
  /** What is said past the deadline, with what to do next, where there is more to say than what was waited for. */
  readonly tooLate?: string
  /** What is to be known from now on. */
  readonly patch?: Patch
}
export interface Failed {
  readonly fail: string
  readonly patch: Patch
}

/** What the rows say when a phase begins. */
export interface PhaseInput {
  readonly row: ComputeInstanceRow
  readonly project: ProjectRow
  readonly settings: PublishedSettings
  /** The password and keys that the guest has, or will have from its seed. */
  readonly access: GuestAccess
  readonly secretBox: SecretBox
  readonly authority: CertificateAuthority
  /** Microseconds since 1970. */
  readonly now: number
  /** Undefined until the instance has its place. */
  readonly address: GuestAddressRow | undefined
  readonly places: Places
  /** Of the ports where its SSH forward may be, those that other instances have claimed, though these may not be open. */
  readonly othersSshPorts: ReadonlySet<number>
}

/** One stretch of the way to a running guest. It may be repeated at any time, after any crash. */
export interface DeployPhase {
  readonly name: string
  /** The step's name in `status.steps`. */
  readonly label: string
  readonly deadlineSeconds: number | ((input: PhaseInput) => number)
  /** Whether the instance goes through it; every one does unless told. */
  readonly appliesTo?: (input: PhaseInput) => boolean
  readonly run: (host: Host, input: PhaseInput) => Promise<PhaseResult>
}

/**
 * How long to wait before looking again at something that takes as long as it takes: a tenth of the time it has
 * taken, from a tenth of a second to two.
 * @returns seconds
 */
export function lookAgainSeconds({ row, now }: PhaseInput): number {
  const elapsed = (now - row.phase_started_at) / SECOND
  return Math.min(2, Math.max(0.1, elapsed / 10))
}

/** @throws HostError when the instance has no address, which only damage to the database explains */
export function placementOf({ row, project, settings, access, address }: PhaseInput): Placement {
  if (address) return { id: row.id, name: row.name, project, address, settings, access }
  throw new HostError('The instance has lost its address. Delete it and create it again.', {
    retryable: false,
  })
}
