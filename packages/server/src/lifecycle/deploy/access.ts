import { accessOf, sealAccess } from '../../store/published-settings.ts'
import type { DeployPhase } from './phase.ts'

/**
 * Gives a running guest the published password and keys when they are not the ones it has. Those of its first
 * boot it took from its seed.
 */
export const accessPhase: DeployPhase = {
  name: 'access',
  label: 'Set up access',
  deadlineSeconds: 60,
  async run(host, { row, settings, access: given, secretBox }) {
    const wanted = accessOf(settings)
    if (JSON.stringify(given) !== JSON.stringify(wanted)) {
      const { user } = JSON.parse(row.machine_facts ?? '{"user":"root"}') as { user: string }
      await host.driver.changeAccess(row.id, {
        user,
        sshKeys: wanted.sshKeys,
        formerSshKeys: given.sshKeys,
        ...(wanted.password === '' ? {} : { password: wanted.password }),
      })
    }
    return { done: { guest_access: sealAccess(secretBox, row.id, wanted) } }
  },
}
