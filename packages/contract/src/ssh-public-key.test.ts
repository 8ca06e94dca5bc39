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
])('two keys on one line with %s between are not taken for one', (_what, line) => {
  expect(() => parseSshKeys('SSH Public Keys', `# mine\n${line}`)).toThrow(
    /SSH Public Keys: the key on line 2 is followed by another key on the same line; put each key on a line of its own/,
  )
})

test('a comment may speak of keys', () => {
  const comment = 'my ssh-rsa key AAAA, not ssh-ed25519'
  expect(parseSshKeys('SSH Public Keys', `${ed25519} ${comment}`)).toHaveLength(1)
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
