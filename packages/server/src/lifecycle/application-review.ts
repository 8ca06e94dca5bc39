import { HostError } from '@berth/contract/host/host-error'
import { ensureApplication, needsRenewal, observeApplication, type ApplicationInput } from './application.ts'
import type { Host } from './host.ts'
import type { Happening } from './instance-writes.ts'

/** What a look at a running service found. */
export interface ApplicationReview {
  /** Why its application does not answer, for a person to read; null while it does. */
  readonly problem: string | null
  /** A certificate that was made anew since the present one ends soon, for its row. */
  readonly certificate?: string
}

/** Asks a service's application whether it is up, and renews its certificate in good time. */
export async function reviewApplication(host: Host, input: ApplicationInput): Promise<ApplicationReview> {
  try {
    const renewed = needsRenewal(input.row, input.now) ? await ensureApplication(host, input) : null
    const row = renewed === null ? input.row : { ...input.row, certificate: renewed }
    const seen = await observeApplication(host, { ...input, row })
    const answers = seen === null || seen.state === 'answering'
    return {
      problem: answers ? null : `its application does not answer: ${seen.detail}`,
      ...(renewed === null ? {} : { certificate: renewed }),
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { problem: `its application could not be asked: ${error.message}` }
  }
}

/** The event of an application that ceased to answer, or answers again. */
export function applicationHappening(before: string | null, now: string | null): Happening | undefined {
  if ((before === null) === (now === null)) return undefined
  if (now === null) return { type: 'application-answers', message: 'The application answers again.' }
  return { type: 'application-silent', message: `The service runs, but ${now}` }
}
