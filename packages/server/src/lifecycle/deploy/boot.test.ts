import { expect, test } from 'vitest'
import type { MachineObservation } from '../../drivers/machine-driver.ts'
import { SECOND } from '../../store/clock.ts'
import type { Host } from '../host.ts'
import { bootPhase } from './boot.ts'
import { decisionOf } from './decision.ts'
import type { PhaseInput } from './phase.ts'
import { placeOf } from './phases.ts'

/** The machines whose processes were ended. */
const ended: string[] = []

/** What becomes of an instance whose guest has booted for so long, and is seen like that. */
async function after(seconds: number, seen: MachineObservation, console = '') {
  const ensureStopped = async (id: string) => void ended.push(id)
  const driver = { observe: async () => seen, consoleTail: async () => console, ensureStopped }
  const row = { id: 'id', phase_started_at: 0, steps: '[]', status: 'pending', machine_facts: null }
  const input = { row, now: seconds * SECOND } as unknown as PhaseInput
  const result = await bootPhase.run({ driver } as unknown as Host, input)
  const place = placeOf('up:boot')
  if (!place || 'decide' in result) throw new Error('It leaves nothing to a transaction.')
  return decisionOf(input, place, result, 0, seconds * SECOND).patch
}

const silent: MachineObservation = { exists: true, power: 'running' }

test('a guest that is not up in time fails with its last words and what to do', async () => {
  expect(await after(600, silent, 'never read')).toMatchObject({
    status: 'pending',
    reason: 'The guest is booting.',
  })
  const console = 'one\nALERT!  /dev/vda1 does not exist.\r\nBusyBox v1.36\n\n(initramfs) '
  expect(await after(900, silent, console)).toMatchObject({
    status: 'failed',
    reason:
      'The guest did not report within 15 minutes that it is up. ' +
      'Its console says: ALERT!  /dev/vda1 does not exist. Its console ended with: ' +
      'one | ALERT!  /dev/vda1 does not exist. | BusyBox v1.36 | (initramfs). ' +
      'If it only needs longer, publish it again to go on waiting. Else stop it and start it, or delete it: ' +
      'its image must boot on this host and run cloud-init.',
  })
})

test('what goes wrong is told as soon as it is on the console, and the cause before what follows from it', async () => {
  const console =
    '[FAILED] Failed to start cloud-init\n[    9.1] OSError: [Errno 28] No space left on device\n' +
    `${'x'.repeat(5000)}I/O error${'y'.repeat(5000)}\nlogin: `
  const { status, reason, steps } = await after(3, silent, console)
  expect({ status, reason }).toEqual({
    status: 'pending',
    reason: 'The guest is booting. Its console says: [    9.1] OSError: [Errno 28] No space left on device.',
  })
  expect(JSON.parse(steps ?? '')).toMatchObject([{ state: 'running', detail: reason }])
  expect((await after(3, silent, console.replaceAll('No space', 'Much space'))).reason).toMatch(
    /^The guest is booting\. Its console says: x{100}I\/O errory{91}\.$/,
  )
})

test('a guest that says nothing at all is told from one that hangs', async () => {
  expect((await after(901, silent)).reason).toContain(
    'that it is up. It wrote nothing to its serial console. If',
  )
})

test('one that ended for a known cause says so, and is off, its process too', async () => {
  const problem = 'The guest’s kernel panicked: Attempted to kill init!.'
  expect(
    await after(30, { exists: true, power: 'stopped', problem }, 'Kernel panic - not syncing'),
  ).toMatchObject({
    status: 'failed',
    power_state: 'stopped',
    reason: `${problem} Its console ended with: Kernel panic - not syncing. Publish it again to start it again.`,
  })
  expect(ended).toEqual(['id'])
})

test('what cloud-init reports is passed on, with where to read more', async () => {
  const report = { bootId: 'b', state: 'error' as const, detail: 'no user debian' }
  expect((await after(30, { ...silent, report })).reason).toBe(
    'The guest booted, but cloud-init in it reports: no user debian. The guest’s /var/log/cloud-init.log tells more; ' +
      'stop and start it to run it again, or delete it.',
  )
})
