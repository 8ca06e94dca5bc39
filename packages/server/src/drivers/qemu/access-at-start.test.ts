import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
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

test.each(accessAtStartCommand.filter((word) => word.includes('\n')))('a shell can read the script', (script) => {
  execFileSync('sh', ['-n'], { input: script })
})
