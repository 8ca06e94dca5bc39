import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { acceleratorVerdict, type AcceleratorOptions, type Prober } from './accelerator.ts'
import * as hostDevices from './host-devices.ts'

vi.mock('./host-devices.ts', { spy: true })

let directory: string
let options: AcceleratorOptions

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verdict-'))
  const qemuBinary = join(directory, 'qemu')
  await setQemuVersion('7.2.22')
  options = {
    installId: 'abc123',
    stateDir: directory,
    cacheDir: join(directory, 'cache'),
    accelerator: 'auto',
    guestUser: 'nobody',
    qemuBinary,
    probeImage: async () => ({ kernel: '/k', initrd: '/i' }),
  }
  setKvm({ mode: 0o660, uid: 0, gid: 106 })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true })
})

async function setQemuVersion(version: string): Promise<void> {
  const path = join(directory, 'qemu')
  await writeFile(path, `#!/bin/sh\necho 'QEMU emulator version ${version} (Debian)'\n`)
  await chmod(path, 0o755)
}

function setKvm(device: { mode: number; uid: number; gid: number } | null): void {
  vi.mocked(hostDevices.statKvm).mockResolvedValue(device as Awaited<ReturnType<typeof hostDevices.statKvm>>)
}

function prober(answer: string | null): Prober & { calls: number } {
  const probe = async (): Promise<string | null> => {
    counted.calls += 1
    return answer
  }
  const counted = Object.assign(probe, { calls: 0 })
  return counted
}

test('a guest that answers under KVM is asked once', async () => {
  const probe = prober(null)
  const first = await acceleratorVerdict(options, probe)
  expect(first.accelerator).toBe('kvm')
  expect(await acceleratorVerdict(options, probe)).toEqual(first)
  expect(probe.calls).toBe(1)
  expect(await readdir(options.cacheDir)).toEqual(['accelerator.json'])
  expect(JSON.parse(await readFile(join(options.cacheDir, 'accelerator.json'), 'utf8'))).toEqual(first)
})

test('a guest that does not answer means software emulation, with the reason', async () => {
  const verdict = await acceleratorVerdict(options, prober('A Linux guest hung.'))
  expect(verdict.accelerator).toBe('tcg')
  expect(verdict.reason).toContain('under KVM a Linux guest hung.')
})

test('the probe gets the group that opens /dev/kvm', async () => {
  const groups: unknown[] = []
  await acceleratorVerdict(options, async (_, { group }) => {
    groups.push(group)
    return null
  })
  expect(groups).toEqual([106])
})

test.each([
  ['another QEMU', async () => await setQemuVersion('10.0.2')],
  ['another mode of /dev/kvm', async () => setKvm({ mode: 0o666, uid: 0, gid: 106 })],
  ['a damaged cache', async () => await writeFile(join(options.cacheDir, 'accelerator.json'), '{"accel')],
])('%s asks again', async (_, change) => {
  const probe = prober(null)
  await acceleratorVerdict(options, probe)
  await change()
  await acceleratorVerdict(options, probe)
  expect(probe.calls).toBe(2)
})

test('a refresh asks again', async () => {
  const probe = prober(null)
  await acceleratorVerdict(options, probe)
  await acceleratorVerdict({ ...options, refresh: true }, probe)
  expect(probe.calls).toBe(2)
})

test('a configured accelerator is not questioned', async () => {
  const probe = prober(null)
  expect(await acceleratorVerdict({ ...options, accelerator: 'tcg' }, probe)).toMatchObject({
    accelerator: 'tcg',
  })
  expect(probe.calls).toBe(0)
})

test('without a probe image the verdict is not kept', async () => {
  const probe = prober(null)
  const none = await acceleratorVerdict({ ...options, probeImage: async () => null }, probe)
  expect(none).toMatchObject({
    accelerator: 'tcg',
    reason: expect.stringContaining('berth image build tiny'),
  })
  expect(await acceleratorVerdict(options, probe)).toMatchObject({ accelerator: 'kvm' })
})

test.each([
  [null, 'does not exist'],
  [{ mode: 0o600, uid: 0, gid: 0 }, 'chmod 0660 /dev/kvm'],
  [{ mode: 0o660, uid: 0, gid: 0 }, 'chgrp kvm /dev/kvm'],
])('with /dev/kvm %j nothing boots, and the reason says what to do', async (device, reason) => {
  setKvm(device)
  const probe = prober(null)
  const verdict = await acceleratorVerdict(options, probe)
  expect(verdict).toMatchObject({ accelerator: 'tcg', reason: expect.stringContaining(reason) })
  expect(probe.calls).toBe(0)
})
