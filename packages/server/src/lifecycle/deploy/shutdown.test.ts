import { expect, test } from 'vitest'
import { diskGibOf, machineFacts } from '../../store/machine-facts.ts'
import type { Host } from '../host.ts'
import type { PhaseInput } from './phase.ts'
import { shutdownPhase } from './shutdown.ts'

test('what a machine ran with is known when it is off, also where only an earlier version noted it', async () => {
  const row = {
    id: 'id',
    desired_power: 'running',
    machine_present: 1,
    machine_facts: '{"user":"debian"}',
    running_size: '{"vcpus":2,"memoryMib":512,"diskGib":40,"gpuCount":0}',
  }
  const host = { driver: { observe: async () => ({ exists: true, power: 'stopped' }) } } as unknown as Host
  const result = await shutdownPhase.run(host, { row, now: 0 } as unknown as PhaseInput)
  if (!('done' in result)) throw new Error('It is off.')
  const off = { ...row, machine_facts: null, ...result.done }
  expect(off).toMatchObject({ power_state: 'stopped', running_size: null, boot_id: null })
  expect(diskGibOf(off)).toBe(40)
  expect(machineFacts(off)?.lastSize).toEqual({ vcpus: 2, memoryMib: 512, gpuCount: 0 })
})
