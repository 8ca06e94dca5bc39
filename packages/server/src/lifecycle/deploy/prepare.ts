import { diskGibOf, machineFacts } from '../../store/machine-facts.ts'
import { containerDisk } from '../container-image.ts'
import { accessOf, sealAccess } from '../../store/published-settings.ts'
import { accessAtStart } from '../guest-access.ts'
import { policyOf } from '../guest-network.ts'
import { guestPort, imageFor, machineSpec, projectNetwork } from '../machine-spec.ts'
import { checkSize } from '../size-check.ts'
import { placementOf, type DeployPhase } from './phase.ts'

/** Makes sure that the host can boot the instance's guest image. */
export const imagePhase: DeployPhase = {
  name: 'image',
  label: 'Prepare image',
  deadlineSeconds: 60,
  async run(host, { settings }) {
    await imageFor(host, settings)
    return { done: {} }
  },
}

/** Makes the project's network and the guest's place on it, with what may reach it there. Of one that runs, its new size is checked as well. */
export const attachPhase: DeployPhase = {
  name: 'attach',
  label: 'Attach network',
  deadlineSeconds: 60,
  async run(host, input) {
    const { project, address, id } = placementOf(input)
    const network = projectNetwork(host, project)
    await host.projectLocks.run(network.key, async () => {
      await host.network.ensureProject(network)
      const policy = policyOf(host.plan, input.settings, input.places)
      await host.network.ensurePort(network, guestPort(host, id, address), policy)
    })
    return { done: await checkSize(host, input) }
  },
}

/** Makes the machine's disk and the seed that it configures itself from. */
export const diskPhase: DeployPhase = {
  name: 'disk',
  label: 'Create disk',
  deadlineSeconds: 120,
  async run(host, input) {
    const { row, settings, secretBox } = input
    const disk = await containerDisk(host, row, settings)
    const spec = machineSpec(host, placementOf(input), await imageFor(host, settings), disk)
    await host.driver.ensureDisk(spec, row.machine_present === 1)
    const change = accessAtStart(input, spec.identity.user)
    const seeded = change && { stamp: change.stamp, ...accessOf(settings) }
    const withSeeded = (more: { readonly unwritten?: true }) =>
      seeded && {
        guest_access: sealAccess(secretBox, row.id, { ...input.access, seeded: { ...seeded, ...more } }),
      }
    // Written down first, or a seed could say what nobody knows of once its server has died.
    if (seeded && input.access.seeded?.stamp !== seeded.stamp)
      return {
        wait: 'Handing over who may log in.',
        seconds: 0,
        patch: { ...withSeeded({ unwritten: true }) },
      }
    await host.driver.ensureSeed(spec, change)
    const facts = machineFacts(row)
    // Of a machine that runs, the disk grows at its next start only.
    const grew = facts !== null && row.power_state !== 'running'
    const diskGib = Math.max(settings.diskGib, diskGibOf(row) ?? 0)
    return {
      done: {
        machine_present: 1,
        ...(grew ? { machine_facts: JSON.stringify({ ...facts, diskGib }) } : {}),
        ...withSeeded({}),
      },
    }
  },
}
