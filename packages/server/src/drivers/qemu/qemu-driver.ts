import { channel } from 'node:diagnostics_channel'
import { cpus, totalmem } from 'node:os'
import type { CensusEntry } from '@berth/contract/host/census'
import { HostError } from '@berth/contract/host/host-error'
import type {
  AccessAtStart,
  AccessChange,
  ApplicationObservation,
  GuestApplication,
  GuestLook,
  HostCapacity,
  MachineDriver,
  MachineObservation,
  MachineSpec,
} from '../machine-driver.ts'
import { changeAccess } from './access-change.ts'
import * as accelerators from './accelerator.ts'
import { adoptApplication, ensureApplication } from './application/ensure-application.ts'
import { observeApplication } from './application/observe-application.ts'
import { webKey } from './application/web-key.ts'
import { bootKernel } from './boot-kernel.ts'
import { machineCensus } from './census.ts'
import { ensureContainerDisk } from './container-disk.ts'
import { lostDisk } from './disk-damage.ts'
import { drainConsole, markStart, readConsoleTail } from './console-log.ts'
import { ensureOverlay } from './disk.ts'
import { lookupGuestAccount, type GuestAccount } from './guest-account.ts'
import type { GuestAgentClient } from './guest-agent-client.ts'
import { GuestAgents } from './guest-agents.ts'
import { endGuestProcess, waitUntilGone } from './guest-process.ts'
import { ensureTunDevice, kvmAccess, statKvm } from './host-devices.ts'
import { checkPrograms, checkReachable, checkRoot } from './host-requirements.ts'
import { asHostErrors } from '../../host/host-failure.ts'
import { KeyedMutex } from '../../host/keyed-mutex.ts'
import { launchGuest } from './launch-guest.ts'
import * as machine from './machine-files.ts'
import { MachineMonitor } from './machine-monitor.ts'
import { observeMachine } from './observe-machine.ts'
import { ProcessFinder } from './process-finder.ts'
import { retained } from './retained.ts'
import { ensureSeedVolume } from './seed.ts'
import { readStartNote } from './start-note.ts'

export interface QemuDriverOptions extends Omit<accelerators.AcceleratorOptions, 'refresh'> {
  /** Takes what an operator should know; nothing is logged without it. */
  readonly log?: (entry: object, message: string) => void
}

/** Announces each cold boot, `{ image, machine }`, before its process starts, to whoever counts them. */
const machineBoots = channel('berth:machine-boot')

/** Milliseconds that a machine's process has to end. */
const stopDeadlineMs = 10_000

/** MiB that guests never get: the host's own programs need them. */
const hostReserveMib = 1024

/** How many virtual CPUs one host core may carry. */
const vcpusPerCore = 4

/**
 * Runs machines as QEMU processes of an unprivileged user. The processes belong to nobody but the host:
 * they outlive the server, and any driver with the same installation id and state directory finds them.
 */
export class QemuDriver implements MachineDriver {
  readonly name = 'qemu'
  readonly #options: QemuDriverOptions
  readonly #qemuBinary: string
  readonly #monitor = new MachineMonitor()
  readonly #changes = new KeyedMutex()
  readonly #reports = new KeyedMutex()
  readonly #agents = new GuestAgents(this.#monitor)
  #account: Promise<GuestAccount> | undefined
  #verdict: Promise<accelerators.AcceleratorVerdict> | undefined
  #processes: Promise<ProcessFinder> | undefined

  constructor(options: QemuDriverOptions) {
    this.#options = options
    this.#qemuBinary = options.qemuBinary ?? accelerators.defaultQemuBinary
  }

  async prepare(): Promise<void> {
    const { stateDir, log } = this.#options
    machine.checkStateDir(stateDir)
    checkRoot()
    await checkPrograms(this.#qemuBinary)
    const account = await this.#guestAccount()
    await machine.ensureInstancesDirectory(stateDir)
    await checkReachable(machine.instancesDirectory(stateDir), account)
    await ensureTunDevice(log ?? (() => {}))
    const { accelerator, reason } = await this.#acceleratorVerdict()
    log?.({ accelerator, reason }, 'decided how guests run')
  }

  async capacity(): Promise<HostCapacity> {
    const memoryMib = Math.floor(totalmem() / 2 ** 20) - hostReserveMib
    return { vcpus: cpus().length * vcpusPerCore, memoryMib: Math.max(0, memoryMib), gpus: {} }
  }

  async ensureDisk(spec: MachineSpec, wasMade: boolean): Promise<void> {
    await this.#change(spec.id, async (files) => {
      const account = await this.#guestAccount()
      if (wasMade && !(await machine.pathExists(files.disk))) throw lostDisk(files.disk)
      await this.#ensureDirectory(files, account)
      const isOff = async (): Promise<boolean> => (await this.#find(spec.id)) === undefined
      await ensureOverlay(spec, files, account, isOff)
      await ensureContainerDisk(spec, files, isOff)
    })
  }

  async ensureSeed(spec: MachineSpec, change?: AccessAtStart): Promise<void> {
    await this.#change(spec.id, async (files) => {
      const account = await this.#guestAccount()
      await this.#ensureDirectory(files, account)
      await ensureSeedVolume(spec, change, this.#options.stateDir, files, account)
    })
  }

  /** Also lets a paused guest go on, and replaces a process whose guest can never go on. */
  async ensureRunning(spec: MachineSpec, note: string): Promise<string | null> {
    return await this.#change(spec.id, async (files) => {
      const running = await this.#find(spec.id)
      if (running !== undefined) {
        const { state } = await this.#monitor.inspect(spec.id, files)
        if (state === 'paused') {
          await this.#monitor.converse(spec.id, files, async (qmp) => await qmp.execute('cont'))
        }
        if (state !== 'dead') return await readStartNote(running.pid)
        await endGuestProcess(running, stopDeadlineMs)
      }
      await this.#start(spec, files, note)
      return note
    })
  }

  async observe(id: string): Promise<MachineObservation> {
    return await observeMachine(id, machine.machineFiles(this.#options.stateDir, id), {
      monitor: this.#monitor,
      reports: this.#reports,
      hasProcess: async () => (await this.#find(id)) !== undefined,
    })
  }

  async requestPowerOff(id: string): Promise<void> {
    const files = machine.machineFiles(this.#options.stateDir, id)
    if ((await this.#find(id)) === undefined) return
    await this.#monitor.converse(id, files, async (qmp) => await qmp.execute('system_powerdown'))
    // A guest that ignores the button may heed its agent; many have none.
    this.#agents.askToPowerOff(id, files)
  }

  async ensureStopped(id: string): Promise<void> {
    await this.#change(id, async (files) => await this.#stop(id, files))
  }

  async remove(id: string): Promise<void> {
    await this.#change(id, async (files) => {
      await this.#stop(id, files)
      await machine.removeMachineDirectory(files.directory)
    })
  }

  async consoleTail(id: string): Promise<string> {
    const files = machine.machineFiles(this.#options.stateDir, id)
    if ((await this.#find(id)) !== undefined) await this.#monitor.inspect(id, files)
    return await asHostErrors(async () => await readConsoleTail(files))
  }

  async census(): Promise<CensusEntry[]> {
    const { stateDir, installId } = this.#options
    return await asHostErrors(
      async () => await machineCensus(stateDir, { installId, uid: (await this.#guestAccount()).uid }),
    )
  }

  async lookInside(id: string): Promise<GuestLook> {
    return await this.#agents.look(id, machine.machineFiles(this.#options.stateDir, id))
  }

  async setClock(id: string): Promise<void> {
    await this.#agents.setClock(id, machine.machineFiles(this.#options.stateDir, id))
  }

  async changeAccess(id: string, change: AccessChange): Promise<void> {
    await this.#withAgent(id, async (agent) => await changeAccess(agent, change))
  }

  async applicationKey(id: string): Promise<string> {
    return await this.#withAgent(id, webKey)
  }

  async ensureApplication(id: string, application: GuestApplication | null): Promise<void> {
    await this.#withAgent(id, async (agent) => await ensureApplication(agent, application))
  }

  async adoptApplication(id: string): Promise<void> {
    await this.#withAgent(id, adoptApplication)
  }

  async observeApplication(id: string, application: GuestApplication): Promise<ApplicationObservation> {
    return await this.#withAgent(id, async (agent) => await observeApplication(agent, application))
  }

  async #start(spec: MachineSpec, files: machine.MachineFiles, note: string): Promise<void> {
    const containers = spec.containerDisk !== undefined
    for (const path of [files.disk, files.seed, ...(containers ? [files.containers] : [])]) {
      if (!(await machine.pathExists(path)))
        throw new HostError(`The machine cannot start: ${path} is missing.`)
    }
    const { image, nic } = spec
    const kernel = bootKernel(image)
    const { accelerator } = await this.#acceleratorVerdict()
    const account = await this.#guestAccount()
    const kvm = accelerator === 'kvm' ? kvmAccess(await statKvm(), account) : undefined
    await markStart(files)
    machineBoots.publish({ image: image.name, machine: spec.id })
    const pid = await launchGuest(
      {
        installId: this.#options.installId,
        id: spec.id,
        vcpus: spec.vcpus,
        memoryMib: spec.memoryMib,
        accelerator,
        kernel,
        volumes: true,
        containers,
        nic: nic.namespace === null ? null : { tap: nic.tap, mac: nic.mac },
      },
      {
        files,
        account,
        qemuBinary: this.#qemuBinary,
        namespace: nic.namespace,
        note,
        ...(kvm?.usable === true && kvm.group !== undefined ? { group: kvm.group } : {}),
      },
    )
    this.#options.log?.({ instance: spec.id, pid, accelerator }, 'started a machine')
  }

  async #stop(id: string, files: machine.MachineFiles): Promise<void> {
    const running = await this.#find(id)
    if (running === undefined) return
    await this.#monitor
      .converse(id, files, async (qmp) => {
        await drainConsole(qmp, files).catch(() => {})
        // QEMU may be gone before its answer is out.
        await qmp.execute('quit', undefined, 1000)
      })
      .catch(() => {})
    if (await waitUntilGone(running, 2000)) return
    await endGuestProcess(running, stopDeadlineMs - 2000)
  }

  async #ensureDirectory(files: machine.MachineFiles, account: GuestAccount): Promise<void> {
    await machine.ensureInstancesDirectory(this.#options.stateDir)
    await machine.ensureMachineDirectory(files.directory, account)
  }

  async #change<T>(id: string, task: (files: machine.MachineFiles) => Promise<T>): Promise<T> {
    const files = machine.machineFiles(this.#options.stateDir, id)
    return await this.#changes.run(id, async () => await asHostErrors(async () => await task(files)))
  }

  async #withAgent<T>(id: string, task: (agent: GuestAgentClient) => Promise<T>): Promise<T> {
    return await this.#agents.converse(id, machine.machineFiles(this.#options.stateDir, id), task)
  }

  async #find(id: string): ReturnType<ProcessFinder['find']> {
    this.#processes ??= this.#guestAccount().then(
      ({ uid }) => new ProcessFinder({ installId: this.#options.installId, uid }),
    )
    const processes = await retained(this.#processes, () => (this.#processes = undefined))
    return await asHostErrors(async () => await processes.find(id))
  }

  async #guestAccount(): Promise<GuestAccount> {
    this.#account ??= lookupGuestAccount(this.#options.guestUser)
    return await retained(this.#account, () => (this.#account = undefined))
  }

  async #acceleratorVerdict(): Promise<accelerators.AcceleratorVerdict> {
    this.#verdict ??= accelerators.acceleratorVerdict(this.#options)
    return await retained(this.#verdict, () => (this.#verdict = undefined))
  }
}
