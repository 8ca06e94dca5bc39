import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GuestReport, MachineSpec } from '../../packages/server/src/drivers/machine-driver.ts'
import { bootProbe } from '../../packages/server/src/drivers/qemu/accelerator-probe.ts'
import { virtualSize } from '../../packages/server/src/drivers/qemu/disk.ts'
import { lookupGuestAccount } from '../../packages/server/src/drivers/qemu/guest-account.ts'
import { QemuDriver } from '../../packages/server/src/drivers/qemu/qemu-driver.ts'
import { QmpClient } from '../../packages/server/src/drivers/qemu/qmp-client.ts'
import { imageCacheDir } from '../../packages/server/src/images/cache-dir.ts'
import { findImage } from '../../packages/server/src/images/image-store.ts'

const run = promisify(execFile)
const installId = randomBytes(3).toString('hex')
const namespace = `berth-qd-${installId}`
const id = randomUUID()
const guestUser = 'berth-guest'

let stateDir: string
let spec: MachineSpec

function newDriver(): QemuDriver {
  return new QemuDriver({
    installId,
    stateDir,
    cacheDir: join(stateDir, 'cache'),
    accelerator: 'tcg',
    guestUser,
  })
}

async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000
  while (Date.now() < deadline) {
    const found = await look()
    if (found !== undefined) return found
    await pause(100)
  }
  throw new Error(`not within ${seconds} s: ${what}`)
}

async function report(driver: QemuDriver): Promise<GuestReport> {
  return await until('a report of the guest', 60, async () => (await driver.observe(id)).report)
}

async function stopped(driver: QemuDriver): Promise<true> {
  const look = async (): Promise<true | undefined> =>
    (await driver.observe(id)).power === 'stopped' ? true : undefined
  return await until('the machine to stop', 30, look)
}

async function pids(driver: QemuDriver): Promise<string[]> {
  const entries = await driver.census()
  return entries.filter(({ kind, owner }) => kind === 'process' && owner === id).map(({ name }) => name)
}

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'bqd-'))
  await chmod(stateDir, 0o711)
  const image = await findImage(imageCacheDir(), 'tiny')
  if (image === null) throw new Error('The tiny image is missing. Run: berth image build tiny')
  for (const command of [
    `netns add ${namespace}`,
    `-n ${namespace} link set lo up`,
    `-n ${namespace} link add br0 type bridge`,
    `-n ${namespace} addr add 10.64.0.1/20 dev br0`,
    `-n ${namespace} link set br0 up`,
    `-n ${namespace} tuntap add dev g5 mode tap user ${guestUser}`,
    `-n ${namespace} link set g5 master br0 up`,
  ]) {
    await run('ip', command.split(' '))
  }
  spec = {
    id,
    vcpus: 1,
    memoryMib: 256,
    diskGib: 1,
    image,
    nic: {
      namespace,
      tap: 'g5',
      mac: '52:54:00:00:00:05',
      address: '10.64.0.5/20',
      gateway: '10.64.0.1',
      nameservers: ['10.64.0.1'],
    },
    identity: { hostname: 'guest-one', user: 'berth', password: 'pass word\'"#', sshKeys: [] },
  }
})

afterAll(async () => {
  const driver = newDriver()
  await driver.remove(id)
  const left = await driver.census()
  await run('ip', ['netns', 'delete', namespace])
  await rm(stateDir, { recursive: true, force: true })
  if (left.length > 0) throw new Error(`left on the host: ${JSON.stringify(left)}`)
})

test('a machine starts once, outlives its driver, powers off, starts again and leaves nothing', async () => {
  const driver = newDriver()
  await driver.prepare()
  expect(await driver.observe(id)).toEqual({ exists: false, power: 'stopped' })
  await driver.ensureDisk(spec, false)
  await driver.ensureDisk(spec, false)
  await driver.ensureSeed(spec)
  await driver.ensureSeed(spec)
  await Promise.all([driver.ensureRunning(spec, 'note'), driver.ensureRunning(spec, 'note')])
  // A second driver has no lock in common with the first but the host's.
  await newDriver().ensureRunning(spec, 'note')
  const first = await pids(driver)
  expect(first).toHaveLength(1)

  const firstReport = await report(driver)
  expect(firstReport).toMatchObject({ state: 'ok' })
  expect(await driver.consoleTail(id)).toContain('berth-tiny: ready')
  const page = `fetch('http://10.64.0.5/').then((answer) => answer.text()).then(console.log)`
  const fetched = await run('ip', ['netns', 'exec', namespace, process.execPath, '-e', page])
  expect(fetched.stdout).toContain('guest-one')

  const adopter = newDriver()
  expect(await adopter.observe(id)).toEqual({ exists: true, power: 'running', report: firstReport })
  expect(await adopter.ensureRunning(spec, 'as it would be now')).toBe('note')
  expect(await pids(adopter)).toEqual(first)

  const disk = join(stateDir, 'instances', id, 'disk.qcow2')
  const inode = (await stat(disk)).ino
  await adopter.requestPowerOff(id)
  await stopped(adopter)
  expect(await pids(driver)).toEqual([])
  expect(await driver.observe(id)).toEqual({ exists: true, power: 'stopped' })

  await driver.ensureDisk({ ...spec, diskGib: 2 }, true)
  await driver.ensureSeed(spec)
  expect(await driver.ensureRunning(spec, 'another note')).toBe('another note')
  const secondReport = await report(driver)
  expect(secondReport.bootId).not.toBe(firstReport.bootId)
  expect((await stat(disk)).ino).toBe(inode)
  expect(await virtualSize(disk)).toBe(2 * 2 ** 30)

  const qmp = await QmpClient.connect(join(stateDir, 'instances', id, 'qmp.sock'), { timeoutMs: 2000 })
  await qmp.execute('stop')
  qmp.close()
  expect(await driver.observe(id)).toEqual({
    exists: true,
    power: 'running',
    problem: 'The guest is paused (paused).',
  })
  await driver.ensureRunning(spec, 'note')
  expect(await report(driver)).toEqual(secondReport)

  await driver.ensureStopped(id)
  await driver.ensureStopped(id)
  expect(await pids(driver)).toEqual([])
  await driver.remove(id)
  await driver.remove(id)
  expect(await driver.census()).toEqual([])
})

test('starts that race from two drivers make one process', async () => {
  const drivers = [newDriver(), newDriver()]
  const own = { ...spec, id: randomUUID() }
  try {
    await drivers[0]!.ensureDisk(own, false)
    await drivers[0]!.ensureSeed(own)
    const outcomes = await Promise.allSettled(
      drivers.map((driver, number) => driver.ensureRunning(own, `note ${number}`)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1)
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [String(outcome.reason)] : [],
    )
    expect(refusals.filter((reason) => !reason.includes('is being started'))).toEqual([])
    const entries = await drivers[0]!.census()
    expect(entries.filter(({ kind, owner }) => kind === 'process' && owner === own.id)).toHaveLength(1)
    const kept = await newDriver().ensureRunning(own, 'as it would be now')
    const told = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(told, 'each was told of the process that won').toEqual(told.map(() => kept))
    expect(kept).toMatch(/^note [01]$/)
  } finally {
    await drivers[0]!.remove(own.id)
  }
})

test('a start that cannot work says why and leaves no process', async () => {
  const driver = newDriver()
  const own = { ...spec, id: randomUUID(), nic: { ...spec.nic, tap: 'absent' } }
  try {
    await driver.ensureDisk(own, false)
    await driver.ensureSeed(own)
    await expect(driver.ensureRunning(own, 'note')).rejects.toThrow(
      /could not configure|Operation not permitted/,
    )
    const entries = await driver.census()
    expect(entries.filter(({ kind }) => kind === 'process')).toEqual([])
  } finally {
    await driver.remove(own.id)
  }
})

test.each([
  ['that prints an error', 'echo "no machine here" >&2; exit 3', /QEMU ended with 3: no machine here\.$/],
  ['that ends at once', 'exit 0', /QEMU ended with 0: it said nothing\.$/],
  ['that has gone', null, /^The program .*qemu is not on this host\./],
])('a QEMU %s is told of, and leaves no process', async (_what, script, message) => {
  const qemuBinary = join(stateDir, 'qemu')
  const version = 'case "$1" in --version) echo "QEMU emulator version 7.2.22"; exit 0;; esac'
  await writeFile(qemuBinary, `#!/bin/sh\n${version}\n${script ?? ''}\n`, { mode: 0o755 })
  const options = { installId, stateDir, cacheDir: join(stateDir, 'cache'), guestUser, qemuBinary }
  const driver = new QemuDriver({ ...options, accelerator: 'tcg' })
  const own = { ...spec, id: randomUUID() }
  try {
    await driver.prepare()
    await driver.ensureDisk(own, false)
    await driver.ensureSeed(own)
    if (script === null) await rm(qemuBinary)
    await expect(driver.ensureRunning(own, 'note')).rejects.toThrow(message)
    expect((await driver.census()).filter(({ kind }) => kind === 'process')).toEqual([])
  } finally {
    await driver.remove(own.id)
  }
})

test('the accelerator probe tells a guest that reaches user space from one that does not', async () => {
  const { kernel, initrd } = spec.image
  const account = await lookupGuestAccount(guestUser)
  const host = { installId, stateDir, account, qemuBinary: 'qemu-system-x86_64' }
  expect(await bootProbe('tcg', { kernel: kernel!, initrd: initrd! }, host)).toBeNull()
  const broken = await bootProbe('tcg', { kernel: kernel!, initrd: kernel! }, host, 6000)
  expect(broken).toMatch(/did not reach user space|closed the connection/)
  expect(await newDriver().census()).toEqual([])
})
