import { HostError } from '@berth/contract/host/host-error'
import { SECOND } from '../../store/clock.ts'
import {
  ensureApplication,
  observeApplication,
  servedApplication,
  type ApplicationInput,
} from '../application.ts'
import { engineWords, lastWords, whyItFailed } from '../application-words.ts'
import type { Host } from '../host.ts'
import { sizeWaiting } from '../machine-size.ts'
import { lookAgainSeconds, placementOf, type DeployPhase, type PhaseInput } from './phase.ts'

/** Longer than any application is told to take: it gives up by itself, and says more. */
const MARGIN_SECONDS = 60

/** Writes the application's configuration into the guest and starts it, or takes it away. */
export const setupPhase: DeployPhase = {
  name: 'setup',
  label: 'Set up application',
  deadlineSeconds: 180,
  appliesTo: ({ settings }) => settings.application !== undefined,
  async run(host, input) {
    return { done: { certificate: await ensureApplication(host, applicationInput(host, input)) } }
  },
}

/** Waits until the application answers through the guest's web server. */
export const answerPhase: DeployPhase = {
  name: 'answer',
  label: 'Start application',
  deadlineSeconds: ({ settings }) => (settings.application?.health.timeoutSeconds ?? 0) + MARGIN_SECONDS,
  appliesTo: (input) => servedApplication(input) !== null,
  async run(host, input) {
    const seen = await observeApplication(host, input)
    if (seen === null || seen.state === 'answering') return { done: {} }
    const timeoutSeconds = input.settings.application?.health.timeoutSeconds ?? 0
    const isLate = input.now - input.row.phase_started_at > timeoutSeconds * SECOND
    if (seen.state === 'starting' && !isLate) {
      const wait = `The application is starting: ${seen.detail} ${engineWords(seen)}`.trimEnd()
      return { wait, seconds: lookAgainSeconds(input) }
    }
    const what =
      seen.state === 'failed'
        ? whyItFailed(seen)
        : `The application did not answer within ${timeoutSeconds} seconds: ${seen.detail} ${lastWords(seen)}`
    const waiting = sizeWaiting(input.row, input.settings)
    const next = waiting === '' ? 'Correct its configuration and publish it again.' : waiting
    throw new HostError(`${what} ${next}`, { retryable: false })
  },
}

/** What an application follows from. */
export function applicationInput(host: Host, input: PhaseInput): ApplicationInput {
  const { row, settings, authority, now } = input
  const guestAddress = host.plan.address(placementOf(input).address.number)
  return { row, settings, guestAddress, authority, now }
}
