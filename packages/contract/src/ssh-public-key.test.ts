import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseSshKeys, sshKeyProblem } from './ssh-public-key.ts'

function generate(...options: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'berth-key-'))
  try {
    const path = join(directory, 'key')
    execFileSync('ssh-keygen', ['-q', '-N', '', '-C', 'somebody@somewhere', '-f', path, ...options])
    return readFileSync(`${path}.pub`, 'utf8').trim()
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const strings = (...parts: (string | Buffer)[]) =>
  Buffer.concat(
    parts.map((part) => {
      const bytes = Buffer.from(part)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return Buffer.concat([length, bytes])
    }),
  ).toString('base64')

const ed25519 = `ssh-ed25519 ${strings('ssh-ed25519', Buffer.alloc(32, 7))}`

test.each([
  ['ed25519', ['-t', 'ed25519']],
  ['rsa', ['-t', 'rsa', '-b', '2048']],
  ['ecdsa 256', ['-t', 'ecdsa', '-b', '256']],
  ['ecdsa 521', ['-t', 'ecdsa', '-b', '521']],
])('a key that ssh-keygen makes is taken: %s', (_name, options) => {
  expect(sshKeyProblem(generate(...options))).toBeNull()
})

/** The base point of the curve P-256 (SEC 2, 2.4.2). */
const POINT = Buffer.from(
  '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
)

test('FIDO keys are taken', () => {
  const application = 'ssh:'
  const sk = 'sk-ssh-ed25519@openssh.com'
  expect(sshKeyProblem(`${sk} ${strings(sk, Buffer.alloc(32, 1), application)} token`)).toBeNull()
  const skEcdsa = 'sk-ecdsa-sha2-nistp256@openssh.com'
  expect(sshKeyProblem(`${skEcdsa} ${strings(skEcdsa, 'nistp256', POINT, application)}`)).toBeNull()
})

test('tabs part the fields as blanks do, and may stand in the comment', () => {
  const [type, base64] = ed25519.split(' ')
  const key = `${type}\t${base64}\tme\tat home`
  expect(parseSshKeys('SSH Public Keys', key)).toEqual([key])
})

const rsa = `ssh-rsa ${strings('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(256, 7))}`
const dss = `ssh-dss ${strings('ssh-dss', 'a', 'b', 'c', 'd')}`

test.each([
  ['a blank', `${ed25519} ${rsa}`],
  ['a blank behind a comment', `${ed25519} me@home ${rsa} me@work`],
  ['a tab', `${ed25519}\t${rsa}`],
  ['a comma', `${ed25519},${rsa}`],
  ['a semicolon', `${ed25519} me@home;${rsa}`],
  ['the two characters \\n', `${ed25519} me@home\\n${rsa}`],
  ['the two characters \\n, without comment', `${ed25519}\\n${rsa}`],
  ['nothing', `${ed25519}${rsa}`],
  ['a blank, of a type that is not taken', `${ed25519} ${dss}`],
  ['a no-break space', `${ed25519}\u00a0${rsa}`],
  ['a no-break space behind a comment', `${ed25519} me\u00a0AAAAC3NzaC1lZDI1NTE5AAAAI`],
  ['an equals sign', `${ed25519} me=${rsa}`],
  ['an equals sign, without its type', `${ed25519} me=${rsa.split(' ')[1]}`],
  ['a blank, cut short', `${ed25519} ssh-rsa AAAAB3Nza`],
  ['a blank, cut short behind its type', `${ed25519} me@home ecdsa-sha2-nistp256 AAAA`],
  ['a blank, without its type and cut short', `${ed25519} AAAAE2VjZHNh`],
])('two keys on one line with %s between are not taken for one', (_what, line) => {
  expect(() => parseSshKeys('SSH Public Keys', `# mine\n${line}`)).toThrow(
    /SSH Public Keys: the key on line 2 is followed by another key on the same line; put each key on a line of its own/,
  )
})

test('a comment may speak of keys', () => {
  const comment = 'my ssh-rsa key AAAA, not ssh-ed25519'
  expect(parseSshKeys('SSH Public Keys', `${ed25519} ${comment}`)).toHaveLength(1)
})

test.each(['me@AAAA.example', '2026-11-28', 'AAAA BBBB', 'a=AAAA1234', 'key of x/AAAAC3'])(
  'a comment may be %j',
  (comment) => expect(sshKeyProblem(`${ed25519} ${comment}`)).toBeNull(),
)

const ecdsa = 'ecdsa-sha2-nistp256'
const skEcdsa = 'sk-ecdsa-sha2-nistp256@openssh.com'
const whole = `${ecdsa} ${strings(ecdsa, 'nistp256', POINT)}`
const modulus = Buffer.alloc(256, 7)

test('a key whose point is on its curve is taken', () => {
  expect(whole).toMatch(/=$/)
  expect(sshKeyProblem(whole)).toBeNull()
})

// OpenSSH 9 (ssh-keygen -l) takes none of them but the one without an exponent, which proves nothing.
test.each([
  ['without its padding', whole.replace(/=+$/, '')],
  ['with too much padding', `${whole}=`],
  ['with padding that it needs not', `${ed25519}=`],
  ['with bits behind its end', whole.replace(/.=$/, (end) => (end.startsWith('U') ? 'V=' : 'U='))],
  ['without a curve', `${ecdsa} ${strings(ecdsa, '', POINT)}`],
  ['with a part of its curve’s name', `${ecdsa} ${strings(ecdsa, '256', POINT)}`],
  ['with a short point', `${ecdsa} ${strings(ecdsa, 'nistp256', POINT.subarray(0, 64))}`],
  [
    'with a compressed point',
    `${ecdsa} ${strings(ecdsa, 'nistp256', Buffer.from([3, ...POINT.subarray(1, 33)]))}`,
  ],
  ['with a point beside its curve', `${ecdsa} ${strings(ecdsa, 'nistp256', Buffer.alloc(65, 4))}`],
  [
    'for a token, with a short point',
    `${skEcdsa} ${strings(skEcdsa, 'nistp256', POINT.subarray(0, 9), 'ssh:')}`,
  ],
  ['for a token, without a curve', `${skEcdsa} ${strings(skEcdsa, '', POINT, 'ssh:')}`],
  ['without an exponent', `ssh-rsa ${strings('ssh-rsa', '', modulus)}`],
  ['with a negative exponent', `ssh-rsa ${strings('ssh-rsa', Buffer.from([0x81]), modulus)}`],
  ['with a negative modulus', `ssh-rsa ${strings('ssh-rsa', Buffer.from([3]), Buffer.alloc(256, 0xff))}`],
  ['with a modulus of 1017 bits', `ssh-rsa ${strings('ssh-rsa', Buffer.from([3]), Buffer.alloc(128, 1))}`],
])('a key %s is refused', (_what, line) => {
  expect(sshKeyProblem(line)).not.toBeNull()
})

test.each([
  ['a JSON list around it', JSON.stringify([ed25519])],
  ['options', `command="rm -rf /" ${ed25519}`],
  ['another type inside', `ssh-rsa ${ed25519.split(' ')[1]}`],
  ['cut short', ed25519.slice(0, -8)],
  ['not base64', 'ssh-ed25519 !!!!'],
  ['an old type', `ssh-dss ${strings('ssh-dss', 'a', 'b', 'c', 'd')}`],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ['the type alone', 'ssh-ed25519'],
  ['a control character', `${ed25519} a\u0007b`],
  ['a C1 control character', `${ed25519} a\u009bb`],
  ['a NEL', `${ed25519} a\u0085b`],
  ['a line separator', `${ed25519} a\u2028b`],
  ['half of a character', `${ed25519} \ud800`],
  [
    'another curve inside',
    `ecdsa-sha2-nistp384 ${strings('ecdsa-sha2-nistp384', 'nistp256', Buffer.alloc(97, 4))}`,
  ],
])('a key with %s is refused', (_what, line) => {
  expect(sshKeyProblem(line)).not.toBeNull()
})

test('several keys stand one a line, and a bad one is named by its line', () => {
  expect(parseSshKeys('SSH Public Keys', `${ed25519} one\r\n\n# a comment\n${ed25519} two\n`)).toHaveLength(2)
  expect(() => parseSshKeys('SSH Public Keys', `${ed25519}\nssh-rsa nope`)).toThrow(/line 2/)
})
