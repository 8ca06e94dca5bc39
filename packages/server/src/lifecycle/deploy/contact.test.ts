import { expect, test } from 'vitest'
import type { MachineObservation } from '../../drivers/machine-driver.ts'
import { SECOND } from '../../store/clock.ts'
import type { Host } from '../host.ts'
import { asHostError } from '../unforeseen.ts'
import { contactPhase } from './contact.ts'
import { decisionOf } from './decision.ts'
import type { PhaseInput } from './phase.ts'
import { placeOf } from './phases.ts'

const UP: MachineObservation = { exists: true, power: 'running', report: { bootId: 'b', state: 'ok' } }

/** What becomes of an instance whose guest has been up for so long, and answers at its address or not. */
async function after(seconds: number, answers: boolean, seen: MachineObservation = UP) {
  const network = { answersArp: async () => answers }
  const driver = { observe: async () => seen }
  const host = { driver, network, plan: { address: () => '10.64.0.5' } } as unknown as Host
  const row = {
    id: 'id',
    phase_started_at: 0,
    steps: '[]',
    status: 'pending',
    machine_facts: null,
    desired_power: 'running',
    deploy_generation: 1,
    observed_generation: 0,
  }
  const known = { project: { network_key: 'key' }, address: { number: 5, mac: 'm' }, settings: {} }
  const input = { row, ...known, now: seconds * SECOND } as unknown as PhaseInput
  const place = placeOf('up:contact')
  const result = await contactPhase.run(host, input).catch(asHostError)
  if (!place || 'decide' in result) throw new Error('It leaves nothing to a transaction.')
  return decisionOf(input, place, result, 0, seconds * SECOND).patch
}

test('a guest that answers at its address goes on its way', async () => {
  expect(await after(0, true)).toMatchObject({ status: 'pending', phase: 'up:access', boot_id: 'b' })
})

test('one that does not is given a minute, and has failed then, for that reason', async () => {
  expect(await after(59, false)).toMatchObject({
    status: 'pending',
    reason: expect.stringMatching(/ does not answer at its address 10\.64\.0\.5 .* Trying again/),
  })
  expect(await after(60, false)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(
      /^The guest is up, but does not answer at its address 10\.64\.0\.5 \(ARP\)/,
    ),
  })
})

test('one that ends meanwhile is off', async () => {
  expect(await after(5, false, { exists: true, power: 'stopped' })).toMatchObject({
    status: 'failed',
    power_state: 'stopped',
    reason: 'The guest stopped on its own while it was set up. Publish it again to start it again.',
  })
})
