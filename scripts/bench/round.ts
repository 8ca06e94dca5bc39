import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import { BenchClient } from './bench-client.ts'
import { BenchServer } from './bench-server.ts'
import type { Figures } from './figures.ts'
import { NEW_WORKSPACE, type Operation } from './operations.ts'
import { DriverCalls, publishLoad } from './publish-load.ts'
import { requestLoad } from './request-load.ts'

const SETTLE_MS = 1_500
/** For code that runs often to be compiled; not measured. */
const WARM_UP_SECONDS = 0.5
const WARM_UP_CONNECTIONS = 8

/** What a round is about. */
export interface RoundPlan {
  /** A folder of the round's own. */
  readonly directory: string
  /** The state with all objects, which is copied. */
  readonly seeded: string
  readonly operations: readonly Operation[]
  /** Names of objects that can be published. */
  readonly unpublished: readonly string[]
  readonly connections: readonly number[]
  /** How long each measurement takes. */
  readonly seconds: number
}

/** One measurement of a round. */
export interface Measured {
  readonly name: string
  readonly connections: number
  readonly figures: Figures
}

/** Figures of the server itself. */
export interface ServerFigures extends Readonly<Record<string, number>> {
  /** Milliseconds to the first 200 of /readyz, with a new state and with all objects. */
  readonly emptyStart: number
  readonly fullStart: number
  /** MiB of a server that was just started and asked nothing, and of one that has been through the load. */
  readonly emptyMemory: number
  readonly fullMemory: number
  readonly memoryAfterLoad: number
}

export interface Round {
  readonly server: ServerFigures
  readonly measured: readonly Measured[]
}

/** Measures everything once, on servers of its own, so that no round begins with what another left behind. */
export async function runRound(plan: RoundPlan, progress: (what: string) => void): Promise<Round> {
  progress('start')
  const empty = await idle(join(plan.directory, 'empty'))
  await empty.server.stop()
  const state = copyOf(plan, 'full')
  const full = await idle(state)
  const measured: Measured[] = []
  let memoryAfterLoad: number
  try {
    await warmUp(full.server, plan)
    for (const { name, next } of plan.operations) {
      for (const connections of plan.connections) {
        progress(`${name}, ${connections} connections`)
        const load = { connections, seconds: plan.seconds, next }
        measured.push({ name, connections, figures: await requestLoad(full.server, load) })
      }
    }
    await sleep(SETTLE_MS)
    memoryAfterLoad = full.server.residentMib
  } finally {
    await full.server.stop()
  }
  measured.push(...(await publishes(plan, progress)))
  const server = {
    emptyStart: empty.server.startMilliseconds,
    fullStart: full.server.startMilliseconds,
    emptyMemory: empty.memory,
    fullMemory: full.memory,
    memoryAfterLoad,
  }
  rmSync(plan.directory, { recursive: true, force: true })
  return { server, measured }
}

async function idle(state: string): Promise<{ server: BenchServer; memory: number }> {
  const server = await BenchServer.start({ state })
  await sleep(SETTLE_MS)
  return { server, memory: server.residentMib }
}

function copyOf({ directory, seeded }: RoundPlan, name: string): string {
  const state = join(directory, name)
  cpSync(seeded, state, { recursive: true })
  return state
}

async function warmUp(server: BenchServer, { operations }: RoundPlan): Promise<void> {
  const client = new BenchClient(server, 1)
  const workspace = { apiVersion: 'paas.envmgmt.io/v1', kind: 'Workspace', metadata: { name: NEW_WORKSPACE } }
  await client.call('POST', `${PROJECTS_PATH}/defaultproject/workspaces`, JSON.stringify(workspace))
  client.close()
  for (const { next } of operations) {
    await requestLoad(server, { connections: WARM_UP_CONNECTIONS, seconds: WARM_UP_SECONDS, next })
  }
}

/** On a server whose driver tells when it is called. */
async function publishes(plan: RoundPlan, progress: (what: string) => void): Promise<Measured[]> {
  const name = 'publish → driver call'
  const calls = new DriverCalls()
  const state = copyOf(plan, 'publish')
  const server = await BenchServer.start({ state, onDriverCall: (instance, at) => calls.note(instance, at) })
  try {
    const names = plan.unpublished[Symbol.iterator]()
    await publishLoad(server, { connections: WARM_UP_CONNECTIONS, seconds: WARM_UP_SECONDS, names, calls })
    const measured: Measured[] = []
    for (const connections of plan.connections) {
      progress(`${name}, ${connections} connections`)
      const figures = await publishLoad(server, { connections, seconds: plan.seconds, names, calls })
      measured.push({ name, connections, figures })
    }
    return measured
  } finally {
    await server.stop()
  }
}
