import { HostError } from '@berth/contract/host/host-error'
import { guestPort } from '../machine-spec.ts'
import { placementOf, type DeployPhase } from './phase.ts'

/** Makes sure that the guest, which says that it is up, answers for its address on the project's network. */
export const contactPhase: DeployPhase = {
  name: 'contact',
  label: 'Reach guest',
  deadlineSeconds: 60,
  async run(host, input) {
    const { project, address, id } = placementOf(input)
    const port = guestPort(host, id, address)
    if (await host.network.answersArp(project.network_key, port)) return { done: {} }
    throw new HostError(
      `The guest is up, but does not answer at its address ${port.address} (ARP), so nothing can reach it: it has not ` +
        'taken the network configuration that it was given. Its image must apply that of cloud-init (NoCloud). Stop and ' +
        'start it to try again, or choose another image.',
    )
  },
}
