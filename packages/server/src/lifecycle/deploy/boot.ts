import { HostError } from '@berth/contract/host/host-error'
import { sshPortsOfOthers } from '../../store/compute-instances.ts'
import { imageFor, machineSpec } from '../machine-spec.ts'
import { containerDisk } from '../container-image.ts'
import { sizeOf, startedSize } from '../machine-size.ts'
import { ensureWaysIn, moveWay, settlePlaces } from '../ways-in.ts'
import { lookAgainSeconds, placementOf, type DeployPhase } from './phase.ts'

/** Starts the machine's process, unless it runs already. */
export const startPhase: DeployPhase = {
  name: 'start',
  label: 'Start machine',
  deadlineSeconds: 60,
  async run(host, input) {
    const placement = placementOf(input)
    const { row, settings } = input
    const image = await imageFor(host, settings)
    const disk = await containerDisk(host, row, settings)
    const started = await host.driver.ensureRunning(machineSpec(host, placement, image, disk))
    // One that ran already is as it was started, whatever was published since.
    const size = started === 'started' ? null : startedSize(row)
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
        running_size: JSON.stringify(size ?? sizeOf(row, settings)),
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

/** Opens the ways in: the operator's SSH, the public address, the port forwards. */
export const reachPhase: DeployPhase = {
  name: 'reach',
  label: 'Open SSH',
  deadlineSeconds: 60,
  async run(host, input) {
    const { ssh, waysIn, moving } = await ensureWaysIn(host, input)
    return {
      decide: async (tx) => {
        if (moving) {
          await moveWay(tx, host, moving)
          const { address, port } = moving.forward.listen
          return { wait: `${address}:${port} is in use on this host; choosing another.`, seconds: 0.1 }
        }
        if ((await sshPortsOfOthers(tx, input.row.id)).has(ssh.port)) {
          return { wait: `Port ${ssh.port} belongs to another instance; choosing another.`, seconds: 0.2 }
        }
        await settlePlaces(tx, input)
        return {
          done: { ssh_address: ssh.address, ssh_port: ssh.port, ways_in: JSON.stringify(waysIn) },
        }
      },
    }
  },
}

function lastLines(text: string): string {
  const lines = text.trim().split('\n').slice(-3).join(' | ').slice(-300)
  return lines === '' ? '' : ` Its console ended with: ${lines}.`
}
