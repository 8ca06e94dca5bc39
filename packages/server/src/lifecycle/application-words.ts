import { MASK } from '@berth/contract/mask'
import type { ApplicationObservation, LogLine } from '../drivers/machine-driver.ts'

/** How many of the last lines are shown, and how many characters of one and of all. */
const SHOWN_LINES = 8
const SHOWN_START = 100
const SHOWN_END = 200
const SHOWN_IN_ALL = 800

/** Stands for each character of a secret; no text from a guest holds it. */
const HIDDEN = '\u0000'

/** Applications like to print their token when they start, as it is or in an address. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return masked(hidden(text, formsOf(secrets)))
}

/** The same of a line; where its beginning is lost, so is as much as could be the rest of a secret. */
export function lineWithoutSecrets({ text, isWhole }: LogLine, secrets: readonly string[]): LogLine {
  const forms = formsOf(secrets)
  const lost = isWhole ? 0 : Math.max(0, (forms[0]?.length ?? 0) - 1)
  return { text: masked(hidden(text, forms).slice(lost)), isWhole }
}

function hidden(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, HIDDEN.repeat(form.length)), text)
}

function masked(text: string): string {
  // oxlint-disable-next-line no-control-regex -- it is what stands for secrets
  return text.replaceAll(/\u0000+/g, MASK)
}

type Words = Pick<ApplicationObservation, 'detail' | 'log' | 'engineError'>

/** Why an application that does not come back by itself has failed, for its user, in whole sentences. */
export function whyItFailed(seen: Words): string {
  const what = seen.engineError === undefined ? 'stay up' : 'start'
  return `The application does not ${what}. ${seen.detail} ${lastWords(seen)}`
}

/**
 * The last that was heard of an application, as a sentence: why its container could not be started, or as many of its
 * own last lines as have room, the last one in any case. Of a long line beginning and end are shown.
 */
export function lastWords(seen: Pick<Words, 'log' | 'engineError'>): string {
  const engine = engineWords(seen)
  if (engine !== '') return engine
  const lines = seen.log
    .map(shortened)
    .filter((line) => line !== '')
    .slice(-SHOWN_LINES)
  while (lines.length > 1 && lines.join(' | ').length > SHOWN_IN_ALL) lines.shift()
  return lines.length === 0 ? 'It wrote nothing.' : `Its last words: ${lines.join(' | ')}.`
}

function shortened({ text, isWhole }: LogLine): string {
  const line = text.trim()
  if (line === '') return ''
  if (line.length <= SHOWN_START + SHOWN_END) return isWhole ? line : `… ${line}`
  const start = isWhole ? `${line.slice(0, SHOWN_START)} ` : ''
  return `${start}… ${line.slice(-SHOWN_END)}`
}

/** What is known of why an application does not answer, besides how it ended: a sentence, or "" for nothing. */
export function engineWords({ engineError }: Pick<ApplicationObservation, 'engineError'>): string {
  return engineError === undefined ? '' : `Its container could not be started: ${engineError}.`
}

/** How a secret may look where it is printed, the longest first, so that none hides a part of another. */
function formsOf(secrets: readonly string[]): string[] {
  const forms = secrets.flatMap((secret) => [secret, encodeURIComponent(secret.toWellFormed())])
  return [...new Set(forms)].filter((form) => form !== '').toSorted((a, b) => b.length - a.length)
}
