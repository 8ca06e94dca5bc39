import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { CertificateAuthority, certificateEnd, makeAuthority } from './certificate-authority.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')

function keyPair() {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

test('a certificate holds the names and addresses, and OpenSSL accepts it for a server', async () => {
  const authority = await CertificateAuthority.open(await makeAuthority('abc123', NOW))
  const issued = await authority.issue(keyPair().publicKey, ['notebook.example.com', '127.64.0.7'], NOW)
  const certificate = new X509Certificate(issued)
  expect(certificate.checkHost('notebook.example.com')).toBe('notebook.example.com')
  expect(certificate.checkIP('127.64.0.7')).toBe('127.64.0.7')
  expect(certificate.checkIP('127.64.0.8')).toBeUndefined()
  const directory = await tempDir()
  const [root, leaf] = [join(directory, 'root.pem'), join(directory, 'leaf.pem')]
  writeFileSync(root, authority.root)
  writeFileSync(leaf, issued)
  const at = String(NOW / 1000)
  const words = ['verify', '-x509_strict', '-purpose', 'sslserver', '-attime', at, '-CAfile', root, leaf]
  expect(execFileSync('openssl', words, { encoding: 'utf8' })).toContain('OK')
})

test('a name that is too long for a subject stands among the names alone', async () => {
  const authority = await CertificateAuthority.open(await makeAuthority('abc123', NOW))
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
  const certificate = new X509Certificate(
    await authority.issue(keyPair().publicKey, [long, '127.64.0.7'], NOW),
  )
  expect(certificate.checkHost(long)).toBe(long)
  expect(certificate.subject).toBe('CN=127.64.0.7')
})

test('a client that trusts the root, and only such a one, talks to a server with the certificate', async () => {
  const now = Date.now()
  const authority = await CertificateAuthority.open(await makeAuthority('abc123', now))
  const { publicKey, privateKey } = keyPair()
  const cert = await authority.issue(publicKey, ['127.0.0.1'], now)
  const server = createServer({ cert, key: privateKey }, (_, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const get = (ca?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ host: '127.0.0.1', port, agent: false, ...(ca ? { ca } : {}) }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  try {
    expect(await get(authority.root)).toBe(200)
    await expect(get()).rejects.toThrow('unable to verify')
  } finally {
    server.close()
  }
})

test('an authority that was stored signs on with the same root', async () => {
  const keys = await makeAuthority('abc123', NOW)
  const [first, second] = [await CertificateAuthority.open(keys), await CertificateAuthority.open(keys)]
  const root = new X509Certificate(first.root)
  expect(root.ca).toBe(true)
  const issued = new X509Certificate(await second.issue(keyPair().publicKey, ['a.example'], NOW))
  expect(issued.verify(root.publicKey)).toBe(true)
})

test('it ends before browsers refuse it, and before its root', async () => {
  const authority = await CertificateAuthority.open(await makeAuthority('abc123', NOW))
  const days =
    (certificateEnd(await authority.issue(keyPair().publicKey, ['a.example'], NOW)) - NOW) / 86_400_000
  expect(days).toBe(397)
  const late = NOW + 3600 * 86_400_000
  const last = await authority.issue(keyPair().publicKey, ['a.example'], late)
  expect(certificateEnd(last)).toBe(certificateEnd(authority.root))
})

test.each([
  '',
  'not a key',
  generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }),
])('a guest that sends no usable key is refused', async (key) => {
  const authority = await CertificateAuthority.open(await makeAuthority('abc123', NOW))
  await expect(authority.issue(key, ['a.example'], NOW)).rejects.toThrow('no EC key on P-256')
})
