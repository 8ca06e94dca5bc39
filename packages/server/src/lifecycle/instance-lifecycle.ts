import type { CertificateAuthority } from '../certificates/certificate-authority.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { Store } from '../store/store.ts'
import type { Host } from './host.ts'
import type { StepDurations } from './step-durations.ts'

/** What the lifecycle of compute instances works with. */
export interface InstanceLifecycle {
  readonly store: Store
  readonly secretBox: SecretBox
  readonly host: Host
  /** Signs the certificates of services. */
  readonly authority: CertificateAuthority
  /** Told of each step's end, so that the server knows when every guest was looked after once. */
  readonly onStepped: (id: string) => void
  /** Where the durations of what instances go through are noted. */
  readonly durations?: StepDurations
}
