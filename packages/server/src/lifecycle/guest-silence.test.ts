import { expect, test } from 'vitest'
import type { MachineObservation } from '../drivers/machine-driver.ts'
import { SECOND } from '../store/clock.ts'
import { shutdownPhase } from './deploy/shutdown.ts'
import type { PhaseInput } from './deploy/phase.ts'
import { reviewSilence } from './guest-silence.ts'
import type { Host } from './host.ts'

const START = Date.parse('2026-01-31T12:00:00Z') / 1000
const RUNS: MachineObservation = { exists: true, power: 'running' }
const REPORTS: MachineObservation = { ...RUNS, report: { bootId: 'b', state: 'ok' } }
const SILENT =
  'the guest has not answered since 2026-01-31 12:00 UTC, nor does its network. Stop it and start it again.'

/** A guest that is looked at again and again by one server. */
function guest() {
  const row = {
    id: 'id',
    boot_id: 'b' as string | null,
    machine_facts: '{"user":"debian"}',
    phase_started_at: 0,
    desired_power: 'stopped',
  }
  const asked: string[] = []
  const answers = { agent: false, network: false }
  const driver = {
    lookInside: async () => (asked.push('agent'), { agent: answers.agent ? 'answering' : 'silent' }),
    observe: async () => RUNS,
    requestPowerOff: async () => {},
    ensureStopped: async () => void asked.push('ended'),
  }
  const network = { answersArp: async () => (asked.push('network'), answers.network) }
  const plan = { address: () => '10.64.0.5' }
  const host = { driver, network, plan } as unknown as Host
  const at = (second: number) => {
    const known = { row, project: { network_key: 'key' }, address: { number: 5, mac: 'm' } }
    return { ...known, now: (START + second) * SECOND } as unknown as PhaseInput
  }
  let before: number | null = null
  return {
    row,
    asked,
    answers,
    adopt: () => (before = null),
    async look(second: number, seen: MachineObservation, isThorough = true) {
      const { since, complaint, patch, happening } = await reviewSilence(host, at(second), {
        seen,
        before,
        isThorough,
      })
      before = since
      row.machine_facts = patch.machine_facts ?? row.machine_facts
      return { complaint, event: happening?.type, wrote: patch.machine_facts !== undefined }
    },
    /** Asks it to shut down, and looks so many seconds later. */
    async shutDown(second: number, later: number) {
      row.phase_started_at = (START + second) * SECOND
      return shutdownPhase.run(host, at(second + later))
    },
  }
}

test('while it reports, nothing is asked or written', async () => {
  const one = guest()
  expect(await one.look(0, REPORTS)).toEqual({ complaint: null, event: undefined, wrote: false })
  expect(await one.look(5, RUNS)).toEqual({ complaint: null, event: undefined, wrote: false })
  expect(await one.look(10, REPORTS)).toEqual({ complaint: null, event: undefined, wrote: false })
  expect(one.asked).toEqual([])
})

test('after a minute of silence it is told once, with since when, until it reports again', async () => {
  const one = guest()
  await one.look(0, RUNS)
  expect((await one.look(59, RUNS)).complaint).toBeNull()
  expect(await one.look(60, RUNS)).toEqual({ complaint: SILENT, event: 'guest-silent', wrote: true })
  expect(await one.look(65, RUNS, false)).toEqual({ complaint: SILENT, event: undefined, wrote: false })
  expect(one.asked).toEqual(['agent', 'network'])
  one.adopt()
  expect(await one.look(500, RUNS)).toEqual({ complaint: SILENT, event: undefined, wrote: false })
  one.answers.network = true
  expect((await one.look(530, RUNS)).complaint).toMatch(
    /^the guest has not reported since 2026-01-31 12:00 UTC; its network still answers\./,
  )
  expect(await one.look(600, REPORTS)).toEqual({ complaint: null, event: 'guest-answers', wrote: true })
  expect((await one.look(700, RUNS)).complaint, 'a new silence has its own time').toBeNull()
})

test('one whose agent answers is well, whatever became of its report', async () => {
  const one = guest()
  one.answers.agent = true
  await one.look(0, RUNS)
  expect(await one.look(60, RUNS)).toEqual({ complaint: null, event: undefined, wrote: false })
})

test('one that is paused is not called silent', async () => {
  const one = guest()
  const paused = { ...RUNS, problem: 'The guest is paused.' }
  await one.look(0, paused)
  expect((await one.look(100, paused)).complaint).toBeNull()
})

test('one that does not answer any more is not waited for as long to shut down', async () => {
  const one = guest()
  expect(await one.shutDown(0, 89)).toMatchObject({ wait: 'The guest is shutting down.' })
  await one.look(0, RUNS)
  await one.look(60, RUNS)
  expect(await one.shutDown(60, 31)).toMatchObject({ wait: expect.stringContaining('within 30 seconds') })
  expect(await one.shutDown(600, 9)).toMatchObject({ wait: 'The guest is shutting down.' })
  expect(await one.shutDown(600, 11)).toMatchObject({ wait: expect.stringContaining('within 10 seconds') })
  expect(one.asked.filter((what) => what === 'ended')).toHaveLength(2)
})

test('one that never came up has what is left of its time since its start, and little where it hangs', async () => {
  const one = guest()
  one.row.boot_id = null
  one.row.machine_facts = JSON.stringify({ user: 'debian', startedAt: START * SECOND })
  expect(await one.shutDown(20, 69)).toMatchObject({ wait: 'The guest is shutting down.' })
  expect(await one.shutDown(20, 71)).toMatchObject({ wait: expect.stringContaining('within 70 seconds') })
  expect(await one.shutDown(300, 11)).toMatchObject({ wait: expect.stringContaining('within 10 seconds') })
})
