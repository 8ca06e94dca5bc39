// The certificate library finds its parts through it, and asks for it to be loaded first.
// oxlint-disable-next-line import/no-unassigned-import -- it is a polyfill
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { HostError } from '@berth/contract/host/host-error'
import { createPublicKey } from 'node:crypto'
import { isIP } from 'node:net'

/** An authority as it is kept: the root's certificate and its private key (PKCS #8), both PEM. */
export interface AuthorityKeys {
  readonly certificate: string
  readonly key: string
}

const DAY = 86_400_000
const ROOT_DAYS = 3650
/** Browsers refuse server certificates that hold for longer (CA/Browser Forum, Baseline Requirements 6.3.2). */
const SERVER_DAYS = 397
/** So that a guest whose clock is a little behind takes a new certificate at once. */
const BACKDATED = DAY
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

/**
 * Makes a root of its own for an installation.
 * @param name the installation's, which people tell roots apart by
 * @param now milliseconds since 1970
 */
export async function makeAuthority(name: string, now: number): Promise<AuthorityKeys> {
  const keys = await crypto.subtle.generateKey(CURVE, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Berth ${name}`] }, { O: ['Berth'] }],
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(now + ROOT_DAYS * DAY),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  return {
    certificate: pem(certificate.toString('pem')),
    key: pem(x509.PemConverter.encode(key, 'PRIVATE KEY')),
  }
}

/** Signs the certificates of the installation's services. */
export class CertificateAuthority {
  /** The root's certificate, PEM: what clients are to trust. */
  readonly root: string
  readonly #root: x509.X509Certificate
  readonly #key: CryptoKey

  private constructor(root: string, key: CryptoKey) {
    this.root = root
    this.#root = new x509.X509Certificate(root)
    this.#key = key
  }

  static async open({ certificate, key }: AuthorityKeys): Promise<CertificateAuthority> {
    const bytes = x509.PemConverter.decodeFirst(key)
    return new CertificateAuthority(
      certificate,
      await crypto.subtle.importKey('pkcs8', bytes, CURVE, false, ['sign']),
    )
  }

  /**
   * A server certificate for a key that its owner made.
   * @param publicKey SPKI, PEM; untrusted
   * @param names host names and IP addresses that it is to hold, the first one as its subject
   * @param now milliseconds since 1970
   * @returns PEM
   * @throws HostError when the key is not an EC key on P-256
   */
  async issue(publicKey: string, names: readonly string[], now: number): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create({
      // Clients go by the names below; a common name has at most 64 characters (RFC 5280, ub-common-name).
      subject: [{ CN: [names.find((name) => name.length <= 64) ?? 'service'] }],
      issuer: this.#root.subject,
      notBefore: new Date(now - BACKDATED),
      notAfter: new Date(Math.min(now + SERVER_DAYS * DAY, this.#root.notAfter.getTime())),
      signingKey: this.#key,
      publicKey: await importPublicKey(publicKey),
      signingAlgorithm: SIGNATURE,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(await this.#root.publicKey.export(crypto)),
      ],
    })
    return pem(certificate.toString('pem'))
  }
}

/** When a certificate ends. @returns milliseconds since 1970 */
export function certificateEnd(certificate: string): number {
  return new x509.X509Certificate(certificate).notAfter.getTime()
}

async function importPublicKey(text: string): Promise<CryptoKey> {
  try {
    const spki = createPublicKey(text).export({ type: 'spki', format: 'der' })
    return await crypto.subtle.importKey('spki', spki, CURVE, true, ['verify'])
  } catch (error) {
    throw new HostError('The guest sent a public key that is no EC key on P-256.', { cause: error })
  }
}

function pem(text: string): string {
  return `${text.trimEnd()}\n`
}
