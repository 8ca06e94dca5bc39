import type { FastifyReply } from 'fastify'

/** So many headers of so many characters stay below what proxies take of an answer's headers (4 KiB at the least). */
const MOST_HEADERS = 8
const MOST_CHARACTERS = 240

/**
 * Warnings as values of the `Warning` header (RFC 7234, section 5.5), as Kubernetes sends them: code 299, no agent,
 * and the text as a quoted string of ASCII.
 */
function warningHeaders(warnings: readonly string[]): string[] {
  if (warnings.length <= MOST_HEADERS) return warnings.map(headerOf)
  const shown = warnings.slice(0, MOST_HEADERS - 1)
  return [...shown, `There are ${warnings.length - shown.length} more warnings in status.warnings.`].map(
    headerOf,
  )
}

/** Says them in the answer's headers, where there are any. */
export function sendWarnings(reply: FastifyReply, warnings: readonly string[]): void {
  if (warnings.length > 0) reply.header('warning', warningHeaders(warnings))
}

function headerOf(text: string): string {
  const cut = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 3)}...` : text
  const plain = cut.replaceAll('…', '...').replace(/[^\x20-\x7e]/g, '?')
  return `299 - "${plain.replace(/["\\]/g, String.raw`\$&`)}"`
}
