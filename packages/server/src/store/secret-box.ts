import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'sealed:1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Names a key without telling it: the first 8 hex digits of its sha256. */
export function secretKeyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8)
}

/**
 * Seals secrets at rest: AES-256-GCM, bound to the place they belong to, so that a sealed value copied to
 * another row does not open there.
 */
export class SecretBox {
  readonly #key: Buffer
  readonly #keyId: string

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new Error('The secret key must be 32 bytes.')
    this.#key = key
    this.#keyId = secretKeyId(key)
  }

  /** @param place where the value is kept: `organization/project/object/variable` */
  seal(place: string, clear: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(place))
    const sealed = Buffer.concat([nonce, cipher.update(clear, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `${PREFIX}:${this.#keyId}:${sealed.toString('base64')}`
  }

  /** Proves that this installation wrote a text, for one place; 32 bytes. */
  sign(place: string, text: string): Buffer {
    // Under a key of its own: the other one is for secrets.
    const key = createHmac('sha256', this.#key).update('signatures').digest()
    return createHmac('sha256', key)
      .update(JSON.stringify([place, text]))
      .digest()
  }

  /** @throws Error when the value was sealed with another key, for another place, or was changed */
  open(place: string, sealed: string): string {
    const [name, version, keyId, text = ''] = sealed.split(':')
    if (`${name}:${version}` !== PREFIX) throw new Error('Not a sealed value.')
    if (keyId !== this.#keyId) {
      throw new Error(`This secret was sealed with key ${keyId}; the configured key is ${this.#keyId}.`)
    }
    const bytes = Buffer.from(text, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES)).setAAD(
      Buffer.from(place),
    )
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    return (
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    )
  }
}
