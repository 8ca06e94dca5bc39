import type { GuestReport } from '../../drivers/machine-driver.ts'
import { SECOND } from '../../store/clock.ts'
import { othersSshPorts } from '../../store/compute-instances.ts'
import { diskGibOf, machineFacts, type MachineFacts } from '../../store/machine-facts.ts'
import { sealAccess } from '../../store/published-settings.ts'
import type { Host } from '../host.ts'
import { accessAfterStart } from '../guest-access.ts'
import { imageFor, machineSpec } from '../machine-spec.ts'
import { containerDisk } from '../container-image.ts'
import { noteOf, shareOf, sizeFrom, sizeOf, startedSize } from '../machine-size.ts'
import { ensureWaysIn, moveWay, settlePlaces } from '../ways-in.ts'
import { observeGuest } from '../observe-guest.ts'
import { letGoOn } from '../paused-guest.ts'
import { stoppedMachine } from '../stopped-machine.ts'
import { consoleError } from './console-error.ts'
import { lookAgainSeconds, placementOf, type DeployPhase, type Patch, type PhaseInput } from './phase.ts'

const BOOT_SECONDS = 900
/** Before the deadline by that much, the last look is taken that can be the one that fails. */
const LAST_LOOK_SECONDS = 10
const CONSOLE_LINES = 5

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
    const size = sizeOf(row, settings)
    const spec = machineSpec(host, placement, image, disk)
    const note = await host.driver.ensureRunning(spec, noteOf(size))
    // One that ran already is as it was started, whatever was published since, and whether or not a row says so.
    const started = sizeFrom(note) ?? startedSize(row) ?? size
    const facts: MachineFacts = {
      address: host.plan.address(placement.address.number),
      osName: image.name,
      user: image.defaultUser,
      diskGib: Math.max(started.diskGib, diskGibOf(row) ?? 0),
      lastSize: shareOf(started),
      startedAt: machineFacts(row)?.startedAt ?? input.now,
    }
    return {
      done: {
        power_state: 'running',
        boot_id: null,
        machine_facts: JSON.stringify(facts),
        running_size: noteOf(started),
      },
    }
  },
}

/** Waits until the guest says that it is up. */
export const bootPhase: DeployPhase = {
  name: 'boot',
  label: 'Boot guest',
  deadlineSeconds: BOOT_SECONDS,
  async run(host, input) {
    const { row } = input
    const seen = await observeGuest(host, row.id)
    if (seen.power === 'stopped') {
      const what = seen.problem ?? 'The guest powered off while it booted.'
      return {
        fail: `${what}${await lastLines(host, row.id)} Publish it again to start it again.`,
        patch: stoppedMachine(row),
      }
    }
    if (seen.problem !== undefined) await letGoOn(host, input)
    if (!seen.report) {
      const seconds = lookAgainSeconds(input)
      const wait = seen.problem ?? `The guest is booting.${await complaint(host, row.id)}`
      const left = row.phase_started_at + BOOT_SECONDS * SECOND - input.now
      return left > LAST_LOOK_SECONDS * SECOND
        ? { wait, seconds }
        : { wait, seconds, tooLate: await neverUp(host, row.id, seen.problem) }
    }
    if (seen.report.state === 'error') {
      const what = seen.report.detail ?? 'an error without detail'
      return {
        fail:
          `The guest booted, but cloud-init in it reports: ${what}. The guest’s /var/log/cloud-init.log tells more; ` +
          'stop and start it to run it again, or delete it.',
        patch: {},
      }
    }
    const { osName } = seen.report
    const facts = machineFacts(row)
    return {
      done: {
        ...(osName ? { machine_facts: JSON.stringify({ ...facts, osName }) } : {}),
        ...takenAccess(input, seen.report),
      },
    }
  },
}

/** That a guest has changed by itself who may log in, once it says so. */
function takenAccess({ row, access, secretBox }: PhaseInput, report: GuestReport): Patch {
  const known = accessAfterStart(access, report.access)
  return known === undefined ? {} : { guest_access: sealAccess(secretBox, row.id, known) }
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
        const { address, port } = ssh
        if ((await othersSshPorts(tx, input.row.id, { address, ports: [port] })).size > 0) {
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

/** Why a guest is not up in time, and what can be done: it goes on running. */
async function neverUp(host: Host, id: string, problem?: string): Promise<string> {
  const console = await lastLines(host, id)
  const seen =
    console === '' ? ' It wrote nothing to its serial console.' : `${await complaint(host, id)}${console}`
  return (
    `The guest did not report within ${BOOT_SECONDS / 60} minutes that it is up.${problem === undefined ? '' : ` ${problem}`}${seen} ` +
    'If it only needs longer, publish it again to go on waiting. Else stop it and start it, or delete it: ' +
    'its image must boot on this host and run cloud-init.'
  )
}

/** What on a guest's console tells that something goes wrong, as a sentence; "" while nothing does. */
async function complaint(host: Host, id: string): Promise<string> {
  const error = consoleError(await host.driver.consoleTail(id))
  return error === null ? '' : ` Its console says: ${error}.`
}

async function lastLines(host: Host, id: string): Promise<string> {
  const lines = (await host.driver.consoleTail(id)).split('\n').map((line) => line.trim())
  const text = lines
    .filter((line) => line !== '')
    .slice(-CONSOLE_LINES)
    .join(' | ')
    .slice(-500)
    .replace(/\.$/, '')
  return text === '' ? '' : ` Its console ended with: ${text}.`
}
