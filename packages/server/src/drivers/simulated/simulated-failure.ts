import { HostError } from '@berth/contract/host/host-error'

/** Where on a simulated machine's way a failure strikes. `hang`: the guest starts and is never heard of. */
export const FAILURE_POINTS = ['disk', 'start', 'boot', 'hang', 'application', 'stop', 'remove'] as const
export type FailurePoint = (typeof FAILURE_POINTS)[number]

/** A failure that the operator of a simulated host has ordered. */
export interface SimulatedFailure {
  /** The instance's name; a `*` at its end stands for any rest. */
  readonly instance: string
  readonly at: FailurePoint
  /** What the failure says. */
  readonly message?: string
}

/** The first ordered failure that strikes the instance there. */
export function failureFor(
  failures: readonly SimulatedFailure[],
  instance: string,
  at: FailurePoint,
): SimulatedFailure | undefined {
  return failures.find((failure) => failure.at === at && matches(failure.instance, instance))
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

/** The failure's own words, or ones that say that it was ordered. */
export function failureText(failure: SimulatedFailure): string {
  return failure.message ?? `Simulated failure at ${failure.at}.`
}

/** @throws HostError when a failure was ordered for the instance there; one at `remove` is worth another try */
export function strike(failures: readonly SimulatedFailure[], instance: string, at: FailurePoint): void {
  const failure = failureFor(failures, instance, at)
  if (failure) throw new HostError(failureText(failure), { retryable: at === 'remove' || at === 'stop' })
}
