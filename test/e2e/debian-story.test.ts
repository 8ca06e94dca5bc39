import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { QmpClient } from '../../packages/server/src/drivers/qemu/qmp-client.ts'
import { INSTANCES, instanceBody } from '../support/api-client.ts'
import { debianBoots } from '../support/boot-budget.ts'
import { GuestSsh, makeKeyPair } from '../support/guest-ssh.ts'
import { placesOf } from '../support/planted-secret.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

// One Debian guest carries the whole story, so each test goes on where the one before it ended.

const PASSWORD = 'planted-secret-vm1234'
// Each ends in adoption: the guest and the session do not notice.
const LIVES = 100
const NEW_PASSWORD = 'planted-secret-vm5678'
const LAST_PASSWORD = 'planted-secret-vm9012'
const PAUSED_SECONDS = 5
/** Leaves root not a block. */
const FILL_DISK = `sudo sh -c '
for size in 1G 64M 4M 256K 4K; do
  n=0
  while fallocate -l $size /full-$size-$n 2>/dev/null; do n=$((n + 1)); done
done
sync'`
const run = promisify(execFile)

let server: RealServer
let directory: string
let key: string
let ssh: GuestSsh
/** Opens the guest from its next start on. */
let waitingKey: string

beforeAll(async () => {
  directory = await tempDir()
  server = await RealServer.start(await tempDir())
})
afterAll(() => server.clean())

async function guestProcesses(): Promise<string[]> {
  const { id } = (await server.api.instance('story')).metadata
  const census = await server.census()
  return census.filter((entry) => entry.kind === 'process' && entry.owner === id).map((entry) => entry.name)
}

/** By how many seconds the guest's clock is behind at least, and at most; below zero where it may be ahead. */
async function clockBehind(): Promise<{ least: number; most: number }> {
  const asked = Date.now() / 1000
  const told = Number(await ssh.withKey(key, 'date', '+%s.%N'))
  return { least: asked - told, most: Date.now() / 1000 - told }
}

async function publish(password: string, publicKey: string): Promise<void> {
  const variables = [
    { name: 'SSH Public Keys', value: publicKey },
    { name: 'Guest Password', value: password },
  ]
  await server.api.call('POST', INSTANCES, instanceBody('story', variables))
  expect((await server.api.call('POST', `${INSTANCES}/story/publish`)).body.status.status).toBe('submitted')
}

const reason = async () => (await server.api.instance('story')).status.reason

async function uptime(): Promise<number> {
  return Number((await ssh.withKey(key, 'cat', '/proc/uptime')).split(' ')[0])
}

/** Ends the server the hard way as soon as the deployment has begun the named step, and starts it again. */
async function killDuring(step: string): Promise<void> {
  await waitFor(
    async () => (await server.api.instance('story')).status.steps.some(({ name }) => name === step),
    {
      deadlineSeconds: 60,
      what: `the step ${step}`,
      intervalMs: 5,
    },
  )
  await server.kill()
  await server.start()
}

test('applied and published, and the server killed along the way, it comes up once', async () => {
  const pair = await makeKeyPair(directory, 'first-key')
  key = pair.path
  const variables = [
    { name: 'SSH Public Keys', value: pair.publicKey },
    { name: 'Guest Password', value: PASSWORD },
  ]
  expect(
    (await server.api.call('POST', `${INSTANCES}?fail-on-exists=true`, instanceBody('story', variables)))
      .status,
  ).toBe(200)
  const published = await server.api.call('POST', `${INSTANCES}/story/publish`, {})
  expect(published.body.status.status).toBe('submitted')
  for (const step of ['Attach network', 'Start machine', 'Boot guest']) await killDuring(step)

  const instance = await server.api.waitForStatus('story', 'success', 240)
  expect(instance.status).toMatchObject({
    powerState: 'running',
    actions: ['stop', 'reboot'],
    reason: 'Running.',
  })
  expect(await guestProcesses()).toHaveLength(1)
  expect(debianBoots().length, 'boots are counted').toBeGreaterThan(0)
  ssh = new GuestSsh(instance, directory)
})

test('its key and its password log in, and its hostname is the instance’s', async () => {
  expect(await ssh.withKey(key, 'hostname')).toBe('story')
  expect(await ssh.withPassword(PASSWORD, 'whoami')).toBe('debian')
  await expect(ssh.withPassword('wrong', 'true')).rejects.toThrow('Permission denied')
})

test('it has what its users expect of Debian, and waits for nothing that is not there', async () => {
  expect(await ssh.withKey(key, 'LC_ALL=en_US.UTF-8 locale charmap 2>&1')).toBe('UTF-8')
  expect(await ssh.withKey(key, 'rsync --version')).toContain('protocol version')
  // No name server knows it; asked of the neighbours, it took 12 s to be unknown.
  expect(await ssh.withKey(key, 'timeout 8 getent hosts nowhere; echo $?')).toBe('2')
  expect(await ssh.withKey(key, 'sudo grep -h Traceback /var/log/cloud-init*.log; true')).toBe('')
  const updates = await ssh.withKey(key, 'apt-config dump Unattended-Upgrade::Origins-Pattern')
  expect(updates.match(/origin=.*/g)).toEqual([
    'origin=Debian,codename=${distro_codename}-security,label=Debian-Security";',
  ])
  const units = 'apt-daily.timer apt-daily-upgrade.timer chrony.service'
  await waitFor(
    async () => (await ssh.withKey(key, `systemctl is-active ${units}; true`)) === 'active\nactive\nactive',
    {
      deadlineSeconds: 60,
      what: 'updates and time to be taken care of',
      intervalMs: 1000,
    },
  )
})

test('its clock is right, and comes right after the guest was suspended', async () => {
  const right = async () => {
    const { least, most } = await clockBehind()
    return least < 0.3 && most > -0.3
  }
  await waitFor(right, { deadlineSeconds: 30, what: 'the clock to be right after the start' })
  const { id } = (await server.api.instance('story')).metadata
  await server.kill()
  const qmp = await QmpClient.connect(join(server.state, 'instances', id, 'qmp.sock'), { timeoutMs: 5000 })
  await qmp.execute('stop')
  await pause(PAUSED_SECONDS * 1000)
  await qmp.execute('cont')
  qmp.close()
  expect((await clockBehind()).most).toBeGreaterThan(PAUSED_SECONDS - 1)
  await server.start()
  await waitFor(right, { deadlineSeconds: 60, what: 'the clock to be right again' })
})

test('killed again and again while it runs, the server adopts the guest and an open session lives on', async () => {
  const before = await uptime()
  const [pid] = await guestProcesses()
  const session = ssh.openEcho(key)
  let echoed = ''
  session.stdout?.on('data', (data: Buffer) => (echoed += data.toString()))
  for (let life = 1; life <= LIVES; life++) {
    await server.kill()
    await server.start()
    session.stdin?.write(`life ${life}\n`)
    await waitFor(() => echoed.includes(`life ${life}\n`), {
      deadlineSeconds: 10,
      what: `the echo of life ${life}`,
    })
  }
  session.stdin?.end()
  expect(await guestProcesses()).toEqual([pid])
  expect(await uptime()).toBeGreaterThan(before)
  // That its SSH was heard as well: of one that is silent for half a minute the reason tells.
  expect((await server.api.instance('story')).status).toMatchObject({ status: 'success', reason: 'Running.' })
})

test('a changed password and key apply while it runs, without a restart', async () => {
  const before = await uptime()
  const former = key
  const pair = await makeKeyPair(directory, 'second-key')
  await publish(NEW_PASSWORD, pair.publicKey)
  await server.api.waitForStatus('story', 'success', 60)
  key = pair.path
  expect(await ssh.withPassword(NEW_PASSWORD, 'whoami')).toBe('debian')
  expect(await uptime()).toBeGreaterThan(before)
  await expect(ssh.withPassword(PASSWORD, 'true')).rejects.toThrow('Permission denied')
  await expect(ssh.withKey(former, 'true')).rejects.toThrow('Permission denied')
})

test('without a guest agent, a changed password and key wait for the next start, and nothing else does', async () => {
  await ssh.withKey(key, 'sudo', 'systemctl', 'mask', '--now', 'qemu-guest-agent')
  const pair = await makeKeyPair(directory, 'third-key')
  await publish(LAST_PASSWORD, pair.publicKey)
  await server.api.waitForStatus('story', 'success', 60)
  expect(await reason()).toBe(
    'Running. The new password and SSH keys apply when it is stopped and started again, since no guest agent answers in it.',
  )
  expect(await ssh.withPassword(NEW_PASSWORD, 'whoami')).toBe('debian')
  await expect(ssh.withKey(pair.path, 'true')).rejects.toThrow('Permission denied')
  waitingKey = pair.path
})

test('it stops, starts and reboots, with the actions that fit each time', async () => {
  const act = async (action: string) => {
    const accepted = await server.api.call('POST', `${INSTANCES}/story/action/${action}`, {})
    const actions = action === 'start' ? ['stop'] : []
    expect(accepted.body.status).toMatchObject({ status: 'pending', actions })
    return server.api.waitForStatus('story', 'success', 240)
  }
  await ssh.withKey(key, 'touch', 'kept')
  const stopped = await act('stop')
  expect(stopped.status).toMatchObject({ powerState: 'stopped', actions: ['start'] })
  expect(await guestProcesses()).toEqual([])
  const started = await act('start')
  expect(started.status).toMatchObject({
    powerState: 'running',
    actions: ['stop', 'reboot'],
    reason: 'Running.',
  })
  await expect(ssh.withKey(key, 'true')).rejects.toThrow('Permission denied')
  await expect(ssh.withPassword(NEW_PASSWORD, 'true')).rejects.toThrow('Permission denied')
  expect(await ssh.withPassword(LAST_PASSWORD, 'whoami')).toBe('debian')
  key = waitingKey
  await ssh.withKey(key, 'sudo', 'systemctl', 'unmask', 'qemu-guest-agent')
  await ssh.withKey(key, 'sudo', 'systemctl', 'start', 'qemu-guest-agent')
  const firstBoot = await ssh.withKey(key, 'cat', 'kept', '/proc/sys/kernel/random/boot_id')
  // Nothing in it can write to its disk as it boots.
  await ssh.withKey(key, FILL_DISK)
  await act('reboot')
  expect(await ssh.withKey(key, 'cat', 'kept', '/proc/sys/kernel/random/boot_id')).not.toBe(firstBoot)
  await waitFor(async () => (await reason()) === 'Running, but its disk is 100 % full.', {
    deadlineSeconds: 90,
    what: 'the full disk to be told',
  })
  await ssh.withKey(key, 'sudo', 'sh', '-c', "'rm /full-*'")
  await waitFor(async () => (await reason()) === 'Running.', {
    deadlineSeconds: 150,
    what: 'the reason to say that nothing is the matter',
  })
})

test('its password is nowhere but where it must be', async () => {
  expect(await placesOf('planted-secret', server.state)).toEqual([])
  const { stdout: readable } = await run('find', [
    server.state,
    '-maxdepth',
    '1',
    '-type',
    'f',
    '-perm',
    '/077',
  ])
  expect(readable, 'files that others may read').toBe('')
})

test('deleted while the server is killed, it goes for good and nothing stays behind', async () => {
  const { id } = (await server.api.instance('story')).metadata
  expect((await server.api.call('DELETE', `${INSTANCES}/story`)).status).toBe(200)
  await server.kill()
  await server.start()
  await server.api.waitUntilGone('story', 60)
  expect(await server.census()).toEqual([])
  const again = (await server.api.call('GET', INSTANCES)).body as { items: ComputeInstance[] }
  expect(again.items).toEqual([])
  expect((await server.api.call('DELETE', `${INSTANCES}/story`)).status).toBe(404)
  expect(readdirSync(join(server.state, 'instances'))).not.toContain(id)
})
