import { AgentUnavailable } from '@berth/contract/host/agent-unavailable'
import { SECOND } from '../../store/clock.ts'
import { machineFacts } from '../../store/machine-facts.ts'
import { accessOf, sealAccess } from '../../store/published-settings.ts'
import { formerKeys, hasAccess } from '../guest-access.ts'
import type { DeployPhase } from './phase.ts'

/**
 * How long an agent may be gone, as while it is brought up to date; how long one that is there may take to answer, as
 * in a guest that has much to do. What it is configured to refuse, it goes on refusing.
 */
const PATIENCE_SECONDS = { absent: 10, silent: 40, refusing: 0 } as const

/**
 * Gives a running guest the published password and keys when they are not the ones it has. Those of its first
 * boot it took from its seed. That a change begins is written first: of one whose end nobody wrote down it is not known
 * whether it happened, so what is published next is given to the guest even if it is what the guest had before.
 * Where no agent answers, or it may not do that, the change waits for the next start, when the seed tells the guest, and nothing waits with it.
 */
export const accessPhase: DeployPhase = {
  name: 'access',
  label: 'Set up access',
  deadlineSeconds: 60,
  async run(host, { row, settings, access: given, secretBox, now }) {
    const wanted = accessOf(settings)
    if (hasAccess(given, wanted)) return { done: {} }
    const { unsettledKeys } = given
    if (!unsettledKeys || wanted.sshKeys.some((key) => !unsettledKeys.includes(key))) {
      const begun = { ...given, unsettledKeys: [...new Set([...(unsettledKeys ?? []), ...wanted.sshKeys])] }
      const patch = { guest_access: sealAccess(secretBox, row.id, begun) }
      return { wait: 'Changing who may log in.', seconds: 0, patch }
    }
    const user = machineFacts(row)?.user ?? 'root'
    try {
      await host.driver.changeAccess(row.id, {
        user,
        sshKeys: wanted.sshKeys,
        formerSshKeys: formerKeys(given),
        ...(wanted.password === '' ? {} : { password: wanted.password }),
      })
    } catch (error) {
      // A guest that has ended has no agent either, and is started again.
      const isUp =
        error instanceof AgentUnavailable && (await host.driver.observe(row.id)).power === 'running'
      if (!isUp) throw error
      if (now - row.phase_started_at < PATIENCE_SECONDS[error.state] * SECOND)
        return { wait: `Waiting to change who may log in: ${error.message}`, seconds: 2 }
      const { refusedIn: _, ...access } = given
      const refused = error.state === 'refusing' && row.boot_id !== null ? { refusedIn: row.boot_id } : {}
      return { done: { guest_access: sealAccess(secretBox, row.id, { ...access, ...refused }) } }
    }
    const { seeded, taken } = given
    const known = { ...wanted, ...(seeded && { seeded }), ...(taken === undefined ? {} : { taken }) }
    return { done: { guest_access: sealAccess(secretBox, row.id, known) } }
  },
}
