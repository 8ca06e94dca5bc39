import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** RFC 4648 base 32 in lower case: no case to lose, nothing to escape. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const PUBLIC_ID_BYTES = 10
const SECRET_BYTES = 25
const KEY_PATTERN = /^berth_([a-z2-7]{16})_([a-z2-7]{40})([a-z2-7]{7})$/

/** A new key: `berth_<public id>_<200 random bits><checksum>`, recognisable to people and to secret scanners. */
export interface NewApiKey {
  /** The whole key, shown once. */
  readonly key: string
  readonly id: string
  /** What is stored of it. */
  readonly hash: string
}

function base32(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      text += ALPHABET[(value >>> (bits - 5)) & 31]
      bits -= 5
      value &= (1 << bits) - 1
    }
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text
}

/** Catches a key that was cut or mistyped before the store is asked. */
function checksum(text: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(text))
  return base32(bytes)
}

export function newApiKey(): NewApiKey {
  const id = base32(randomBytes(PUBLIC_ID_BYTES))
  const body = `berth_${id}_${base32(randomBytes(SECRET_BYTES))}`
  const key = body + checksum(body)
  return { key, id, hash: hashApiKey(key) }
}

/** The public id inside a well-formed key; null for anything else. */
export function apiKeyId(key: string): string | null {
  const match = KEY_PATTERN.exec(key)
  if (!match || checksum(key.slice(0, -7)) !== match[3]) return null
  return match[1] ?? null
}

/** sha256 in hex. The key has 200 random bits, so a slow hash would protect nothing more. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
