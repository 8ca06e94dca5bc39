import { HostError } from '@berth/contract/host/host-error'
import { expect, test } from 'vitest'
import { seedFiles, type SeedContent } from './cloud-config.ts'

const content: SeedContent = {
  id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
  nic: {
    mac: '52:54:00:00:00:05',
    address: '10.64.0.5/20',
    gateway: '10.64.0.1',
    nameservers: ['10.64.0.1', '9.9.9.9'],
  },
  identity: { hostname: 'guest-1', user: 'berth', sshKeys: ['ssh-ed25519 AAAA me@home'] },
  passwordHash: undefined,
}

interface UserData {
  readonly users: readonly [Record<string, unknown>]
  readonly ssh_pwauth: boolean
  readonly write_files: readonly [WrittenFile, WrittenFile]
}

interface WrittenFile {
  readonly path: string
  readonly permissions: string
  readonly content: string
}

function userData(given: Partial<SeedContent>): UserData {
  const text = seedFiles({ ...content, ...given })['user-data']
  expect(text.startsWith('#cloud-config\n')).toBe(true)
  return JSON.parse(text.slice(text.indexOf('\n'))) as UserData
}

test('the instance-id is the machine, the network is static', () => {
  const files = seedFiles(content)
  expect(JSON.parse(files['meta-data'])).toEqual({ 'instance-id': content.id, 'local-hostname': 'guest-1' })
  expect(JSON.parse(files['network-config'])).toEqual({
    version: 2,
    ethernets: {
      nic0: {
        match: { macaddress: '52:54:00:00:00:05' },
        addresses: ['10.64.0.5/20'],
        routes: [{ to: '0.0.0.0/0', via: '10.64.0.1' }],
        nameservers: { addresses: ['10.64.0.1', '9.9.9.9'] },
      },
    },
  })
})

test('without name servers nothing is said of any', () => {
  const files = seedFiles({ ...content, nic: { ...content.nic, nameservers: [] } })
  const { ethernets } = JSON.parse(files['network-config']) as { ethernets: { nic0: object } }
  expect(ethernets.nic0).not.toHaveProperty('nameservers')
})

test('without a password, password login stays off', () => {
  const { users, ssh_pwauth } = userData({})
  expect(ssh_pwauth).toBe(false)
  expect(users[0]).toMatchObject({ name: 'berth', lock_passwd: true })
  expect(users[0]).not.toHaveProperty('passwd')
})

test('with a password, its hash and nothing else is in the seed', () => {
  const hash = '$6$salt$abc'
  const { users, ssh_pwauth } = userData({ passwordHash: hash })
  expect(ssh_pwauth).toBe(true)
  expect(users[0]).toMatchObject({ lock_passwd: false, passwd: hash, hashed_passwd: hash })
})

test.each([
  `ssh-ed25519 AAAA "it's" # : {a: [b]} - &x *y !z %d |>`,
  'ssh-ed25519\tAAAA\tünï çödé 🚢\tx',
  'ssh-ed25519 AAAA no\u00a0break \ufeff',
])('the key %j arrives as it is', (key) => {
  const { users } = userData({ identity: { ...content.identity, sshKeys: [key] } })
  expect(users[0]['ssh_authorized_keys']).toEqual([key])
})

test('the texts hold no character that YAML 1.1 forbids or takes for a line break', () => {
  const key = 'a\ufeffb\ufffec\uffffd'
  const text = seedFiles({ ...content, identity: { ...content.identity, sshKeys: [key] } })['user-data']
  expect(text.slice('#cloud-config\n'.length)).toMatch(
    /^[\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*\n$/,
  )
})

test.each([
  { hostname: 'a"\nusers: []' },
  { hostname: '' },
  { hostname: 'a.b' },
  { user: 'root: x' },
  { user: 'me ALL=(ALL)' },
  { sshKeys: ['ssh-ed25519 AAAA\nssh-ed25519 BBBB'] },
  { sshKeys: ['ssh-ed25519 AAAA a\u2028b'] },
])('refuses %j', (part) => {
  expect(() => seedFiles({ ...content, identity: { ...content.identity, ...part } })).toThrow(HostError)
})

test('every boot starts the readiness script', () => {
  const [script, unit] = userData({}).write_files
  expect(script).toMatchObject({
    path: '/var/lib/cloud/scripts/per-boot/99-berth-ready',
    permissions: '0755',
  })
  expect(script.content).toMatch(/^#!\/bin\/sh\n/)
  expect(script.content).toContain('io.berth.ready')
  // cloud-init begins nothing on a full disk, so that it is systemd that starts it.
  expect(unit).toMatchObject({ path: '/etc/systemd/system/berth-ready.service', permissions: '0644' })
  expect(unit.content).toContain(`ExecStart=/bin/sh ${script.path} loop\n`)
})
