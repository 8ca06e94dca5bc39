import { accessOf, sealAccess } from '../../store/published-settings.ts'
import type { DeployPhase } from './phase.ts'

/**
 * Gives a running guest the published password and keys when they are not the ones it has. Those of its first
 * boot it took from its seed. That a change begins is written first: of one whose end nobody wrote down it is not known
 * whether it happened, so what is published next is given to the guest even if it is what the guest had before.
 */
export const accessPhase: DeployPhase = {
  name: 'access',
  label: 'Set up access',
  deadlineSeconds: 60,
  async run(host, { row, settings, access: given, secretBox }) {
    const wanted = accessOf(settings)
    if (JSON.stringify(given) !== JSON.stringify(wanted)) {
      const { unsettledKeys } = given
      if (!unsettledKeys || wanted.sshKeys.some((key) => !unsettledKeys.includes(key))) {
        const begun = { ...given, unsettledKeys: [...new Set([...(unsettledKeys ?? []), ...wanted.sshKeys])] }
        const patch = { guest_access: sealAccess(secretBox, row.id, begun) }
        return { wait: 'Changing who may log in.', seconds: 0, patch }
      }
      const { user } = JSON.parse(row.machine_facts ?? '{"user":"root"}') as { user: string }
      await host.driver.changeAccess(row.id, {
        user,
        sshKeys: wanted.sshKeys,
        formerSshKeys: [...given.sshKeys, ...unsettledKeys],
        ...(wanted.password === '' ? {} : { password: wanted.password }),
      })
    }
    return { done: { guest_access: sealAccess(secretBox, row.id, wanted) } }
  },
}
