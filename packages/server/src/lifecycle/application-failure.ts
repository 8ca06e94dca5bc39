import type { ApplicationObservation } from '../drivers/machine-driver.ts'

const LOG_LINES = 8

/** Why an application that does not come back by itself has failed, for its user. */
export function whyItFailed({ detail, log }: Pick<ApplicationObservation, 'detail' | 'log'>): string {
  return `The application does not stay up. ${detail}${lastWords(log)}`
}

/** The end of what an application wrote, as a sentence that follows another. */
export function lastWords(log: string): string {
  const lines = log.trim().split('\n').slice(-LOG_LINES).join(' | ').slice(-800)
  return lines === '' ? ' It wrote nothing.' : ` Its last words: ${lines}.`
}
