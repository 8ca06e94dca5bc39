import { HostError } from '@berth/contract/host/host-error'
import { guestPort } from '../machine-spec.ts'
import { observeGuest } from '../observe-guest.ts'
import { stoppedMachine } from '../stopped-machine.ts'
import { lookAgainSeconds, placementOf, type DeployPhase } from './phase.ts'

/**
 * Makes sure that the guest, which says that it is up, answers for its address on the project's network. Only then is
 * its boot noted: what is asked of one that nobody has reached begins with reaching it.
 */
export const contactPhase: DeployPhase = {
  name: 'contact',
  label: 'Reach guest',
  deadlineSeconds: 60,
  async run(host, input) {
    const { project, address, id } = placementOf(input)
    const port = guestPort(host, id, address)
    const seen = await observeGuest(host, id)
    if (seen.power === 'stopped') {
      const what = seen.problem ?? 'The guest stopped on its own while it was set up.'
      return { fail: `${what} Publish it again to start it again.`, patch: stoppedMachine(input.row) }
    }
    if (!seen.report) return { wait: 'The guest is restarting.', seconds: lookAgainSeconds(input) }
    if (await host.network.answersArp(project.network_key, port))
      return { done: { boot_id: seen.report.bootId } }
    throw new HostError(
      `The guest is up, but does not answer at its address ${port.address} (ARP), so nothing can reach it: it has not ` +
        'taken the network configuration that it was given. Its image must apply that of cloud-init (NoCloud). Stop and ' +
        'start it to try again, or choose another image.',
    )
  },
}
