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

test('FIDO keys are taken', () => {
  const application = 'ssh:'
  const sk = 'sk-ssh-ed25519@openssh.com'
  expect(sshKeyProblem(`${sk} ${strings(sk, Buffer.alloc(32, 1), application)} token`)).toBeNull()
  const skEcdsa = 'sk-ecdsa-sha2-nistp256@openssh.com'
  expect(
    sshKeyProblem(`${skEcdsa} ${strings(skEcdsa, 'nistp256', Buffer.alloc(65, 4), application)}`),
  ).toBeNull()
})

test.each([
  ['options', `command="rm -rf /" ${ed25519}`],
  ['another type inside', `ssh-rsa ${ed25519.split(' ')[1]}`],
  ['cut short', ed25519.slice(0, -8)],
  ['not base64', 'ssh-ed25519 !!!!'],
  ['an old type', `ssh-dss ${strings('ssh-dss', 'a', 'b', 'c', 'd')}`],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ['the type alone', 'ssh-ed25519'],
  ['a control character', `${ed25519} a\u0007b`],
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
