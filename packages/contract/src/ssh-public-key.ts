import { ApiError } from './api-error.ts'
import { isOneLine } from './one-line.ts'

/** Key types that OpenSSH 9 accepts for users (sshd(8), PubkeyAcceptedAlgorithms), FIDO ones included. */
const KEY_TYPES = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
])

const MAX_KEY_LENGTH = 16_384
const MAX_KEYS = 32

/** How many length-prefixed strings follow the type in the wire format, by type (RFC 4253 6.6, RFC 8709, PROTOCOL.u2f). */
function expectedParts(type: string): number {
  if (type === 'ssh-ed25519') return 1
  if (type === 'ssh-rsa' || type.startsWith('ecdsa-') || type.startsWith('sk-ssh-ed25519')) return 2
  return 3
}

/** Splits the wire format into its length-prefixed strings; null when a length overruns. */
function wireParts(blob: Buffer): Buffer[] | null {
  const parts: Buffer[] = []
  let at = 0
  while (at < blob.length) {
    if (at + 4 > blob.length) return null
    const length = blob.readUInt32BE(at)
    at += 4
    if (at + length > blob.length) return null
    parts.push(blob.subarray(at, at + length))
    at += length
  }
  return parts
}

function partsFit(type: string, parts: readonly Buffer[]): boolean {
  if (parts.length !== expectedParts(type) + 1) return false
  if (type === 'ssh-ed25519' || type.startsWith('sk-ssh-ed25519')) return parts[1]?.length === 32
  // An RSA modulus below 1024 bits is refused by every current sshd.
  if (type === 'ssh-rsa') return (parts[2]?.length ?? 0) >= 128
  return (
    type.endsWith(parts[1]?.toString('latin1') ?? '\0') || type.includes(parts[1]?.toString('latin1') ?? '\0')
  )
}

/**
 * Whether a guest can keep the key as a line of authorized_keys: one line, in which a tab parts fields as a blank
 * does, and may stand in the comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 */
export function isKeyLine(key: string): boolean {
  return key !== '' && isOneLine(key.replaceAll('\t', ' '))
}

/** Two or more keys, of which sshd would take the first and read the rest as its comment. */
const SECOND_KEY = /[ \t]AAAA[A-Za-z0-9+/]{16}/

/**
 * Checks one OpenSSH public key line: `type base64 [comment]`. Options before the type are refused,
 * since they can run commands (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 * @returns the problem as a phrase, or null when the key is good
 */
export function sshKeyProblem(line: string): string | null {
  if (line.length > MAX_KEY_LENGTH) return `is longer than ${MAX_KEY_LENGTH} characters`
  if (!isKeyLine(line)) return 'holds a control character'
  const [type = '', base64 = '', ...more] = line.split(/[ \t]+/)
  if (type.startsWith('-----BEGIN')) return 'is a private key or a PEM file; paste the line of the .pub file'
  if (/^["'[]/.test(type)) return 'begins with a quotation mark or a bracket; write keys as text, one a line'
  if (!KEY_TYPES.has(type)) {
    if ([...KEY_TYPES].some((known) => line.includes(`${known} `))) {
      return 'begins with options; only "type key comment" is accepted'
    }
    return `has the unknown type ${JSON.stringify(type.slice(0, 40))}; known are ${[...KEY_TYPES].join(', ')}`
  }
  // Whatever stands between them: a blank, a comma, or the two characters "\n".
  if (SECOND_KEY.test(` ${more.join(' ')}`)) {
    return 'is followed by another key on the same line; put each key on a line of its own, parted by a line break (a comma, or "\\n" as two characters, is none)'
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return 'is not base64 after its type'
  const parts = wireParts(Buffer.from(base64, 'base64'))
  if (!parts) return 'is cut short'
  if (parts[0]?.toString('latin1') !== type) return `says ${type} but holds another type`
  return partsFit(type, parts) ? null : `is not a whole ${type} key`
}

/**
 * The keys in a variable's text: one a line, blank lines and `#` comments passed over.
 * @throws ApiError 400 naming the field and the line
 */
export function parseSshKeys(field: string, text: string): string[] {
  const keys: string[] = []
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const problem = sshKeyProblem(line)
    if (problem) throw ApiError.invalid(field, `the key on line ${index + 1} ${problem}`)
    keys.push(line)
  }
  if (keys.length > MAX_KEYS)
    throw ApiError.invalid(field, `holds ${keys.length} keys; at most ${MAX_KEYS} are taken`)
  return keys
}
