import type { StatusStep } from '@berth/contract/instance-status'
import { formatTimestamp } from '@berth/contract/timestamp'

/** The timeline with the named step begun; one that runs already goes on, and failed tries are not repeated in it. */
export function beginStep(
  steps: readonly StatusStep[],
  name: string,
  now: number,
  detail?: string,
): StatusStep[] {
  const last = steps.at(-1)
  const startedAt = last?.name === name && last.state !== 'done' ? last.startedAt : formatTimestamp(now)
  const step: StatusStep = { name, state: 'running', startedAt, ...(detail === undefined ? {} : { detail }) }
  return [...(startedAt === last?.startedAt && last.name === name ? steps.slice(0, -1) : steps), step]
}

/** The timeline with its last step ended. */
export function endStep(
  steps: readonly StatusStep[],
  state: 'done' | 'failed',
  now: number,
  detail?: string,
): StatusStep[] {
  const last = steps.at(-1)
  if (!last) return []
  const { detail: _, ...rest } = last
  const ended = {
    ...rest,
    state,
    finishedAt: formatTimestamp(now),
    ...(detail === undefined ? {} : { detail }),
  }
  return [...steps.slice(0, -1), ended]
}
