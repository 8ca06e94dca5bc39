import Type from 'typebox'
import type { InstanceKind } from './instance-kind.ts'
import { NetworkReach } from './network-reach.ts'

/** Status words of a compute instance or service (guide "Status Fields"; design "Status"). */
export const STATUS_WORDS = [
  'not_deployed',
  'submitted',
  'pending',
  'success',
  'failed',
  'destroying',
  'destroyfailed',
] as const
export type StatusWord = (typeof STATUS_WORDS)[number]

export const POWER_STATES = ['running', 'stopped', 'unknown'] as const
export type PowerState = (typeof POWER_STATES)[number]

export const ACTIONS = ['start', 'stop', 'reboot'] as const
export type Action = (typeof ACTIONS)[number]

/** The actions that each kind knows (guide, "Actions on VM", "Actions on Service"). */
export const KIND_ACTIONS = {
  ComputeInstance: ACTIONS,
  Service: ['start', 'stop'],
} as const satisfies Record<InstanceKind, readonly Action[]>

export const STEP_STATES = ['running', 'done', 'failed'] as const

/** One step of the way to the wanted state, for the timeline. */
export const StatusStep = Type.Object(
  {
    name: Type.String({ examples: ['Boot guest'] }),
    state: Type.Enum(STEP_STATES),
    startedAt: Type.String({ format: 'date-time' }),
    finishedAt: Type.Optional(Type.String({ format: 'date-time' })),
    detail: Type.Optional(Type.String()),
    usualSeconds: Type.Optional(
      Type.Number({
        description: 'While it runs: how long it took lately for instances of the same profile, in seconds',
      }),
    ),
  },
  { title: 'StatusStep' },
)
export type StatusStep = Type.Static<typeof StatusStep>

/** Output: resource template → tasks → task → key → text (wire contract 2.6). Plain strings for machines. */
export const InstanceOutput = Type.Record(
  Type.String(),
  Type.Object({ tasks: Type.Record(Type.String(), Type.Record(Type.String(), Type.String())) }),
  { title: 'InstanceOutput' },
)
export type InstanceOutput = Type.Static<typeof InstanceOutput>

export const InstanceStatus = Type.Object(
  {
    status: Type.Enum(STATUS_WORDS),
    reason: Type.String({ description: 'One sentence for a person' }),
    actions: Type.Array(Type.Enum(ACTIONS), { description: 'What can be done now' }),
    powerState: Type.Enum(POWER_STATES),
    network: NetworkReach,
    output: InstanceOutput,
    steps: Type.Array(StatusStep),
    warnings: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'What was applied and does not do what was most likely meant, a sentence each; left out when there is nothing to say',
      }),
    ),
  },
  { title: 'InstanceStatus' },
)
export type InstanceStatus = Type.Static<typeof InstanceStatus>

export interface ActionSituation {
  readonly kind: InstanceKind
  readonly status: StatusWord
  readonly powerState: PowerState
  /** Whether a machine is on a host, running or not. */
  readonly machinePresent: boolean
  /** Whether it is on its way up to a running guest. */
  readonly comingUp: boolean
}

/** The action table: what API, CLI and console offer in each state (design "Status"). */
export function availableActions(situation: ActionSituation): Action[] {
  const known: readonly Action[] = KIND_ACTIONS[situation.kind]
  return fittingActions(situation).filter((action) => known.includes(action))
}

function fittingActions({ kind, status, powerState, machinePresent, comingUp }: ActionSituation): Action[] {
  if (status === 'success') {
    if (powerState === 'running') return ['stop', 'reboot']
    return powerState === 'stopped' ? ['start'] : []
  }
  if (status === 'failed' && machinePresent) {
    // Its application is started again, on the machine that runs.
    if (kind === 'Service') return ['start', 'stop']
    // One that did not start may be left stopped, or it would go on being tried.
    return powerState === 'running' ? ['stop'] : ['start', 'stop']
  }
  // A guest may take as long as its deadline to come up, and whoever started it need not wait for that.
  if (status === 'pending' && machinePresent && comingUp) return ['stop']
  return []
}
