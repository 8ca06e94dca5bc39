import { HostError } from '@berth/contract/host/host-error'
import { sshPlaceTaken } from '../../store/compute-instances.ts'
import { imageFor, machineSpec } from '../machine-spec.ts'
import { sizeOf } from '../machine-size.ts'
import { ensureSshForward } from '../ssh-forward.ts'
import { lookAgainSeconds, placementOf, type DeployPhase } from './phase.ts'

/** Starts the machine's process, unless it runs already. */
export const startPhase: DeployPhase = {
  name: 'start',
  label: 'Start machine',
  deadlineSeconds: 60,
  async run(host, input) {
    const placement = placementOf(input)
    const image = await imageFor(host, input.settings)
    await host.driver.ensureRunning(machineSpec(host, placement, image))
    const size = sizeOf(input.settings)
    const facts = {
      address: host.plan.address(placement.address.number),
      osName: image.name,
      user: image.defaultUser,
    }
    return {
      done: {
        power_state: 'running',
        boot_id: null,
        machine_facts: JSON.stringify(facts),
        running_size: JSON.stringify(size),
      },
    }
  },
}

/** Waits until the guest says that it is up. */
export const bootPhase: DeployPhase = {
  name: 'boot',
  label: 'Boot guest',
  deadlineSeconds: 900,
  async run(host, input) {
    const { row } = input
    const seen = await host.driver.observe(row.id)
    if (seen.power === 'stopped') {
      const ended = lastLines(await host.driver.consoleTail(row.id))
      throw new HostError(
        `The guest powered off while it booted.${ended} Publish it again to start it again.`,
        {
          retryable: false,
        },
      )
    }
    if (!seen.report) return { wait: 'The guest is booting.', seconds: lookAgainSeconds(input) }
    if (seen.report.state === 'error') {
      throw new HostError(
        `The guest booted, but setting it up failed: ${seen.report.detail ?? 'it gave no detail'}`,
        {
          retryable: false,
        },
      )
    }
    const { bootId, osName } = seen.report
    const facts = JSON.parse(row.machine_facts ?? '{}') as object
    return {
      done: { boot_id: bootId, ...(osName ? { machine_facts: JSON.stringify({ ...facts, osName }) } : {}) },
    }
  },
}

/** Opens the operator's way in by SSH. */
export const reachPhase: DeployPhase = {
  name: 'reach',
  label: 'Open SSH',
  deadlineSeconds: 60,
  async run(host, input) {
    const { project, address } = placementOf(input)
    const open = await ensureSshForward(
      host,
      input.row,
      project.network_key,
      host.plan.address(address.number),
    )
    return {
      decide: async (tx) => {
        if (await sshPlaceTaken(tx, input.row.id, open.address, open.port)) {
          return { wait: `Port ${open.port} belongs to another instance; choosing another.`, seconds: 0.2 }
        }
        return { done: { ssh_address: open.address, ssh_port: open.port } }
      },
    }
  },
}

function lastLines(text: string): string {
  const lines = text.trim().split('\n').slice(-3).join(' | ').slice(-300)
  return lines === '' ? '' : ` Its console ended with: ${lines}.`
}
