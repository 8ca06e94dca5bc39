import { HostError } from '@berth/contract/host/host-error'
import {
  adoptApplication,
  ensureApplication,
  needsRenewal,
  observeApplication,
  type ApplicationInput,
} from './application.ts'
import { engineWords, whyItFailed } from './application-words.ts'
import type { Host } from './host.ts'
import type { Happening } from './instance-writes.ts'

const REMEDY = 'Start it, or publish it, to try again.'

/** What a look at a running service found. */
export interface ApplicationReview {
  /** Why its application does not answer, for a person to read; null while it does. */
  readonly problem: string | null
  /** Why it has failed, in whole sentences, where it does not come back by itself; null: it has not. Absent: unknown. */
  readonly failure?: string | null
  /** Whether this process has brought the guest to what this version does. */
  readonly adopted: boolean
  /** A certificate that was made anew since the present one ends soon, for its row. */
  readonly certificate?: string
}

/**
 * Asks a service's application whether it is up, and renews its certificate in good time.
 * @param adopted whether an earlier review of this process adopted it
 */
export async function reviewApplication(
  host: Host,
  input: ApplicationInput,
  adopted: boolean,
): Promise<ApplicationReview> {
  try {
    if (!adopted) await adoptApplication(host, input)
    const renewed = needsRenewal(input.row, input.now) ? await ensureApplication(host, input) : null
    const row = renewed === null ? input.row : { ...input.row, certificate: renewed }
    const seen = await observeApplication(host, { ...input, row })
    const answers = seen === null || seen.state === 'answering'
    return {
      problem: answers
        ? null
        : `its application does not answer: ${seen.detail} ${engineWords(seen)}`.trimEnd(),
      ...(answers ? { failure: null } : {}),
      ...(seen?.state === 'failed' ? { failure: `${whyItFailed(seen)} ${REMEDY}` } : {}),
      adopted: true,
      ...(renewed === null ? {} : { certificate: renewed }),
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { problem: `its application could not be asked: ${error.message}`, adopted }
  }
}

/**
 * The event of an application that ceased to answer, failed, or answers again.
 * @param before why it did not answer when it was last asked; null when it did
 * @param wasFailed whether that it has failed is known already
 */
export function applicationHappening(
  before: string | null,
  { problem, failure }: Pick<ApplicationReview, 'problem' | 'failure'>,
  wasFailed: boolean,
): Happening | undefined {
  if (typeof failure === 'string') return wasFailed ? undefined : { type: 'failed', message: failure }
  if ((before === null) === (problem === null)) return undefined
  if (problem === null) return { type: 'application-answers', message: 'The application answers again.' }
  return { type: 'application-silent', message: `The service runs, but ${problem}` }
}
