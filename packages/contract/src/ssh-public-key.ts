import { createPublicKey } from 'node:crypto'
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

/** What the curves of ECDSA keys are called in the wire format (RFC 5656 6.1), and by JSON Web Keys (RFC 7518 6.2.1.1). */
const CURVES = [
  { name: 'nistp256', jwk: 'P-256', bytes: 32 },
  { name: 'nistp384', jwk: 'P-384', bytes: 48 },
  { name: 'nistp521', jwk: 'P-521', bytes: 66 },
] as const

const ED25519_BYTES = 32

/** What OpenSSH takes of an RSA key (sshkey.h, SSH_RSA_MINIMUM_MODULUS_SIZE; sshbuf.h, SSHBUF_MAX_BIGNUM). */
const RSA_BITS = { minimum: 1024, maximum: 16_384 } as const

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

/** Whether what follows the type is a key of it (RFC 4253 6.6, RFC 5656 3.1, RFC 8709, PROTOCOL.u2f). */
function partsFit(type: string, [, ...parts]: readonly Buffer[]): boolean {
  const [first = Buffer.of(), second = Buffer.of()] = parts
  // Behind a FIDO key stands what it is for.
  const count = parts.length - (type.startsWith('sk-') ? 1 : 0)
  if (type.includes('ed25519')) return count === 1 && first.length === ED25519_BYTES
  if (count !== 2) return false
  if (type === 'ssh-rsa') {
    const bits = bitsOf(second)
    return bitsOf(first) > 0 && bits >= RSA_BITS.minimum && bits <= RSA_BITS.maximum
  }
  const curve = CURVES.find(({ name }) => name === first.toString('latin1'))
  return curve !== undefined && type.includes(`-${curve.name}`) && isPoint(second, curve)
}

/** The bits of a positive number of the wire format (RFC 4251, section 5); 0 for any other. */
function bitsOf(number: Buffer): number {
  if ((number[0] ?? 0) >= 0x80) return 0
  const from = number.findIndex((byte) => byte !== 0)
  return from < 0 ? 0 : 8 * (number.length - from) - (Math.clz32(number[from] ?? 0) - 24)
}

/** Whether it is a point of the curve in its uncompressed form (SEC 1, 2.3.3), the only one that OpenSSH takes. */
function isPoint(point: Buffer, { jwk, bytes }: (typeof CURVES)[number]): boolean {
  if (point.length !== 1 + 2 * bytes || point[0] !== 4) return false
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)]
  try {
    createPublicKey({
      format: 'jwk',
      key: { kty: 'EC', crv: jwk, x: x.toString('base64url'), y: y.toString('base64url') },
    })
    return true
  } catch {
    return false
  }
}

/**
 * Whether a guest can keep the key as a line of authorized_keys: one line, in which a tab parts fields as a blank
 * does, and may stand in the comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 */
export function isKeyLine(key: string): boolean {
  return key !== '' && isOneLine(key.replaceAll('\t', ' '))
}

/** How the base64 of any key begins: the length of its type's name, and that name's `s` or `e`. */
const KEY_DATA = /[^A-Za-z0-9+/]AAAA[B-P][GHWXmn23]/

/** A type with whatever stands between it and as much of its base64 as shows that it is not just spoken of. */
const TYPE_AND_DATA =
  /(?:ssh-(?:rsa|dss|ed25519)|sha2-nistp(?:256|384|521)|@openssh\.com)[^A-Za-z0-9]{0,8}AAAA/

/** Whether another key follows, of which sshd would take the first and read the rest as its comment. */
function holdsSecondKey(behindType: string): boolean {
  const behindData = behindType.replace(/^[A-Za-z0-9+/]*/, '')
  return KEY_DATA.test(behindData) || TYPE_AND_DATA.test(behindType)
}

/**
 * Checks one OpenSSH public key line: `type base64 [comment]`. Options before the type are refused,
 * since they can run commands (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 * @returns the problem as a phrase, or null when the key is good
 */
export function sshKeyProblem(line: string): string | null {
  if (line.length > MAX_KEY_LENGTH) return `is longer than ${MAX_KEY_LENGTH} characters`
  if (!isKeyLine(line)) return 'holds a control character'
  const [type = '', base64 = ''] = line.split(/[ \t]+/)
  if (type.startsWith('-----BEGIN')) return 'is a private key or a PEM file; paste the line of the .pub file'
  if (/^["'[]/.test(type)) return 'begins with a quotation mark or a bracket; write keys as text, one a line'
  if (!KEY_TYPES.has(type)) {
    if ([...KEY_TYPES].some((known) => line.includes(`${known} `))) {
      return 'begins with options; only "type key comment" is accepted'
    }
    return `has the unknown type ${JSON.stringify(type.slice(0, 40))}; known are ${[...KEY_TYPES].join(', ')}`
  }
  // Whatever stands between them: a blank of any kind, a comma, or the two characters "\n".
  if (holdsSecondKey(line.slice(type.length).trimStart())) {
    return 'is followed by another key on the same line; put each key on a line of its own, parted by a line break (a comma, or "\\n" as two characters, is none)'
  }
  if (!/^[A-Za-z0-9+/]+={0,3}$/.test(base64)) return 'is not base64 after its type'
  const blob = Buffer.from(base64, 'base64')
  if (blob.toString('base64') !== base64) return 'is not whole base64 after its type'
  const parts = wireParts(blob)
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
