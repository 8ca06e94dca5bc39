import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { accessAtStartCommand, accessFile } from './access-at-start.ts'
import { seedFiles } from './cloud-config.ts'

const change = {
  stamp: '7',
  user: 'debian',
  password: 'never written',
  sshKeys: ['ssh-ed25519 AAAA $(id) `x` "q"'],
  formerSshKeys: ['ssh-ed25519 BBBB old'],
}

test('the change is a file of the seed, and no text of a user is part of a script', () => {
  const content = {
    id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
    nic: { mac: '52:54:00:00:00:05', address: '10.64.0.5/20', gateway: '10.64.0.1', nameservers: [] },
    identity: { hostname: 'guest-1', user: 'debian', sshKeys: ['ssh-ed25519 BBBB old'] },
    passwordHash: undefined,
  }
  const files = seedFiles({ ...content, accessFile: accessFile(change, '$6$s$h') })
  expect(files['berth-access']).toBe(
    ['7', 'debian', 'yes', '$6$s$h', 'ssh-ed25519 BBBB old', '--', change.sshKeys[0], ''].join('\n'),
  )
  const config = JSON.parse(files['user-data'].slice('#cloud-config\n'.length)) as Record<string, unknown>
  expect(config['bootcmd']).toEqual([accessAtStartCommand])
  expect(JSON.stringify(config)).not.toContain('AAAA')
  expect(Object.keys(seedFiles(content))).not.toContain('berth-access')
  expect(seedFiles(content)['user-data']).not.toContain('bootcmd')
})

test('without a password, password login is closed', () => {
  expect(accessFile(change, undefined).split('\n').slice(0, 4)).toEqual(['7', 'debian', 'no', ''])
})

/** A guest of files below a temporary directory, in which programs that would change the host only write down their words. */
class PretendedGuest {
  readonly root = mkdtempSync(join(tmpdir(), 'access-'))
  readonly #log = join(this.root, 'log')
  readonly #keys = join(this.root, 'home/.ssh/authorized_keys')

  constructor() {
    for (const directory of ['bin', 'run', 'lib', 'ssh/sshd_config.d', 'home/.ssh'])
      mkdirSync(join(this.root, directory), { recursive: true })
    writeFileSync(this.#log, '')
    writeFileSync(this.#keys, 'ssh-ed25519 BBBB old\nssh-ed25519 CCCC added in the guest\n')
    this.#program('mount', `for at; do :; done; cp ${this.root}/berth-access "$at/"`)
    this.#program('umount', 'rm "$1/berth-access"')
    this.#program('getent', `[ "$2" = debian ] && echo "debian:x:1:1::${this.root}/home:/bin/sh"`)
    this.#program('sshd', 'echo passwordauthentication yes')
    this.#program('chpasswd', `echo "chpasswd $1 $(cat)" >>${this.#log}`)
    for (const name of ['chown', 'passwd', 'systemctl'])
      this.#program(name, `echo "${name} $1" >>${this.#log}`)
  }

  #program(name: string, script: string): void {
    writeFileSync(join(this.root, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  /** Boots with what the seed says. @returns the programs that changed something, and the keys that log in */
  boot(access: string): { did: string[]; keys: string[]; stamp: string } {
    writeFileSync(this.#log, '')
    rmSync(join(this.root, 'run'), { recursive: true })
    mkdirSync(join(this.root, 'run'))
    writeFileSync(join(this.root, 'berth-access'), access)
    const [program = '', ...words] = accessAtStartCommand.map((word) =>
      word
        .replaceAll('/var/lib/cloud/', `${this.root}/lib/`)
        .replaceAll('/run/', `${this.root}/run/`)
        .replaceAll('/etc/ssh/', `${this.root}/ssh/`),
    )
    const env = { PATH: `${join(this.root, 'bin')}:${process.env['PATH']}` }
    execFileSync(program, words, { env, stdio: ['ignore', 'ignore', 'ignore'] })
    const report = join(this.root, 'run/berth-access')
    return {
      did: readFileSync(this.#log, 'utf8').trimEnd().split('\n'),
      keys: readFileSync(this.#keys, 'utf8').trimEnd().split('\n'),
      stamp: existsSync(report) ? readFileSync(report, 'utf8') : 'none',
    }
  }
}

function pretendedGuest(): PretendedGuest {
  const guest = new PretendedGuest()
  onTestFinished(() => rmSync(guest.root, { recursive: true }))
  return guest
}

test('a guest makes the change once, and bears its stamp at each boot', () => {
  const guest = pretendedGuest()
  const keys = ['ssh-ed25519 CCCC added in the guest', change.sshKeys[0]]
  const first = guest.boot(accessFile(change, '$6$s$h'))
  expect(first).toEqual({ did: ['chpasswd -e debian:$6$s$h', 'chown -R'], keys, stamp: '7\n' })
  expect(guest.boot(accessFile(change, '$6$s$h'))).toEqual({ did: [''], keys, stamp: '7\n' })
  const closed = guest.boot(accessFile({ ...change, stamp: '8', sshKeys: [] }, undefined))
  expect(closed).toMatchObject({ keys: [keys[0], keys[1]], stamp: '8\n' })
  expect(closed.did).toContain('passwd -l')
  // sshd has yet to start, and waits for the very program that would wait for it.
  expect(closed.did).not.toContain('systemctl reload')
  expect(readFileSync(join(guest.root, 'ssh/sshd_config.d/10-berth.conf'), 'utf8')).toBe(
    'PasswordAuthentication no\n',
  )
})

test('a change that cannot be made ends no boot, and bears no stamp', () => {
  const guest = pretendedGuest()
  expect(guest.boot(accessFile({ ...change, user: 'nobody-yet' }, '$6$s$h'))).toMatchObject({
    did: [''],
    stamp: 'none',
  })
  expect(guest.boot('')).toMatchObject({ did: [''], stamp: 'none' })
})
