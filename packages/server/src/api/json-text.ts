import { ApiError } from '@berth/contract/api-error'

/** Deeper than any object of this API; typed clients give up not far beyond. */
const MOST_LEVELS = 64

/**
 * Reads a body as JSON that can be stored and given back: UTF-8, not too deep, with numbers and text that every
 * reader can represent. Nothing of the body is repeated in an error, since it may hold a secret.
 * @throws ApiError 400
 */
export function parseJson(body: Buffer): unknown {
  const text = decode(body)
  if (depthOf(text) > MOST_LEVELS)
    throw ApiError.invalid('body', `must not nest deeper than ${MOST_LEVELS} levels`)
  try {
    return JSON.parse(text, checkMember)
  } catch (error) {
    if (error instanceof ApiError) throw error
    const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined
    throw ApiError.invalid(
      'body',
      position ? `is not JSON: see character ${position}` : 'is not JSON: it ends too early',
    )
  }
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw ApiError.invalid('body', 'is not UTF-8')
  }
}

/** The most brackets that are open at once, those inside strings left out. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (inString && character === '\\') at++
    else if (character === '"') inString = !inString
    else if (inString) continue
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth)
    else if (character === '}' || character === ']') depth--
  }
  return deepest
}

function checkMember(name: string, value: unknown): unknown {
  if (name === '__proto__') throw ApiError.invalid('body', 'must not hold a member named "__proto__"')
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw ApiError.invalid(name || 'body', 'must be a number that fits in 64 bits')
  }
  if (!name.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) {
    throw ApiError.invalid(
      name.toWellFormed() || 'body',
      'must be well-formed text: it holds half of a character',
    )
  }
  return value
}
