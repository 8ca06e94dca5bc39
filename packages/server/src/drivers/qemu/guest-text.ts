const ESCAPE = 0x1b
const BELL = 0x07
const STRING_TERMINATOR = 0x9c
const CONTROL_SEQUENCE = 0x9b

/** What begins a string that a terminal obeys, after an escape and as one character (ECMA-48, 8.3: DCS, SOS, OSC, PM, APC). */
const STRING_FINALS = new Set(Array.from('PX]^_', (character) => character.charCodeAt(0)))
const STRING_CONTROLS = new Set([0x90, 0x98, 0x9d, 0x9e, 0x9f])

/**
 * Text that a guest wrote, made safe to show to a person: no terminal escapes, no control characters but
 * line feeds and tabs, nothing that turns the direction of writing, no half characters. Handled in time
 * linear in what is kept and what is thrown away before it.
 * @param limit how many characters are kept at most, from the start
 */
export function guestText(text: string, limit: number): string {
  const kept: string[] = []
  let room = limit
  let at = 0
  while (at < text.length && room > 0) {
    const start = at
    while (at < text.length && at - start < room && isPlain(text.charCodeAt(at))) at += 1
    if (at > start) kept.push(text.slice(start, at))
    room -= at - start
    if (at < text.length && !isPlain(text.charCodeAt(at))) at = afterControl(text, at)
  }
  const whole = kept.join('')
  const last = whole.charCodeAt(whole.length - 1)
  const half = last >= 0xd800 && last <= 0xdbff
  return (half ? whole.slice(0, -1) : whole).toWellFormed()
}

function isPlain(code: number): boolean {
  if (code < 0x20) return code === 0x0a || code === 0x09
  if (code >= 0x7f && code <= 0x9f) return false
  return !((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
}

/** Where text goes on after the control character at `at`, and after the escape sequence that it begins. */
function afterControl(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code === CONTROL_SEQUENCE) return afterParameters(text, at + 1)
  if (STRING_CONTROLS.has(code)) return afterString(text, at + 1)
  if (code !== ESCAPE) return at + 1
  const next = text.charCodeAt(at + 1)
  if (next === 0x5b) return afterParameters(text, at + 2)
  if (STRING_FINALS.has(next)) return afterString(text, at + 2)
  const end = skip(text, at + 1, 0x20, 0x2f)
  const final = text.charCodeAt(end)
  return final >= 0x30 && final <= 0x7e ? end + 1 : at + 1
}

/** After `CSI P…P I…I F`; after its introducer alone where it is not whole. */
function afterParameters(text: string, start: number): number {
  const end = skip(text, skip(text, start, 0x30, 0x3f), 0x20, 0x2f)
  const final = text.charCodeAt(end)
  return final >= 0x40 && final <= 0x7e ? end + 1 : start
}

/** After a string and its terminator; after its introducer alone where another control character comes first. */
function afterString(text: string, start: number): number {
  let end = start
  while (end < text.length && isPlain(text.charCodeAt(end))) end += 1
  const code = text.charCodeAt(end)
  if (code === BELL || code === STRING_TERMINATOR) return end + 1
  return code === ESCAPE && text.charCodeAt(end + 1) === 0x5c ? end + 2 : start
}

function skip(text: string, start: number, first: number, last: number): number {
  let at = start
  while (text.charCodeAt(at) >= first && text.charCodeAt(at) <= last) at += 1
  return at
}
