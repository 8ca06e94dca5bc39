import { HostError } from '@berth/contract/host/host-error'
import { checkSize } from '../machine-rules.ts'
import { fileNames, isMachineId } from './machine-files.ts'

/** What decides the command line of a machine's QEMU process. */
export interface QemuPlan {
  readonly installId: string
  readonly id: string
  readonly vcpus: number
  readonly memoryMib: number
  readonly accelerator: 'kvm' | 'tcg'
  /** Absolute paths and fixed words; null boots the disk by firmware. */
  readonly kernel: {
    readonly image: string
    readonly initrd?: string
    readonly arguments: readonly string[]
  } | null
  /** Whether the machine's directory holds `disk.qcow2` and `seed.img`. */
  readonly volumes: boolean
  /** Whether it holds the link `containers.img`. */
  readonly containers?: boolean
  readonly nic: { readonly tap: string; readonly mac: string } | null
}

/** Bytes of console output that QEMU keeps until they are drained; must be a power of two. */
const consoleRing = 1 << 20

/** Slot of the machine's own disk on its PCI bus. */
export const diskSlot = 3

/** The name that the process carries in `-name`, from which an installation knows its own. */
function machineName(installId: string, id: string): string {
  return `berth-${installId}-${id}`
}

/** Taps as ip-link(8) allows them, without what means something in a QEMU option. */
const tapName = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,14}$/
const macAddress = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/

/**
 * QEMU's arguments for QEMU 7.2 to 10. It runs in the machine's directory, so option strings hold no
 * path; whatever may hold a comma is a word of its own or JSON. Throws a HostError on values that are not
 * what they should be.
 */
export function qemuArguments(plan: QemuPlan): string[] {
  checkPlan(plan)
  const kvm = plan.accelerator === 'kvm'
  return [
    '-nodefaults',
    '-no-user-config',
    '-sandbox',
    'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
    '-name',
    `guest=${machineName(plan.installId, plan.id)},process=berth-${plan.installId}`,
    '-uuid',
    plan.id,
    '-machine',
    'q35,dump-guest-core=off',
    '-accel',
    // Unbounded, the translation cache of software emulation takes up to 1 GiB beside the guest's memory.
    kvm ? 'kvm' : 'tcg,thread=multi,tb-size=256',
    '-cpu',
    kvm ? 'host' : 'max',
    '-smp',
    `cpus=${plan.vcpus}`,
    '-m',
    `size=${plan.memoryMib}M`,
    '-rtc',
    'base=utc',
    // A guest that suspends itself would neither run nor be stopped.
    '-global',
    'ICH9-LPC.disable_s3=1',
    '-global',
    'ICH9-LPC.disable_s4=1',
    '-display',
    'none',
    '-vga',
    'none',
    '-msg',
    'timestamp=on',
    // The default ends the process, and with it what tells a panic from a power off.
    '-action',
    'panic=pause',
    ...channels(),
    ...devices(plan),
    ...bootArguments(plan),
  ]
}

function channels(): string[] {
  const server = (id: string, path: string): string => `socket,id=${id},path=${path},server=on,wait=off`
  return [
    '-chardev',
    server('qmp', fileNames.qmp),
    '-mon',
    'chardev=qmp,mode=control',
    '-chardev',
    `ringbuf,id=console,size=${consoleRing}`,
    '-serial',
    'chardev:console',
    '-chardev',
    server('ready', fileNames.ready),
    '-chardev',
    server('agent', fileNames.agent),
  ]
}

// Each device has its own slot, so that a guest's view of the bus does not depend on what else is there.
function devices(plan: QemuPlan): string[] {
  const list: object[] = [
    { driver: 'virtio-rng-pci', addr: '0x5' },
    { driver: 'virtio-balloon-pci', addr: '0x6', 'free-page-reporting': true },
    { driver: 'virtio-serial-pci', id: 'ports', addr: '0x7' },
    { driver: 'virtserialport', bus: 'ports.0', nr: 1, chardev: 'ready', name: 'io.berth.ready' },
    { driver: 'virtserialport', bus: 'ports.0', nr: 2, chardev: 'agent', name: 'org.qemu.guest_agent.0' },
    { driver: 'pvpanic-pci', addr: '0x9' },
  ]
  const backends: string[] = []
  if (plan.volumes) {
    backends.push('-blockdev', JSON.stringify(diskBackend), '-blockdev', JSON.stringify(seedBackend))
    list.push(
      { driver: 'virtio-blk-pci', drive: 'disk', addr: `0x${diskSlot}`, bootindex: 1, 'write-cache': 'on' },
      { driver: 'virtio-blk-pci', drive: 'seed', addr: '0x4' },
    )
  }
  if (plan.containers === true) {
    backends.push('-blockdev', JSON.stringify(containersBackend))
    list.push({ driver: 'virtio-blk-pci', drive: 'containers', addr: '0x8' })
  }
  if (plan.nic !== null) {
    backends.push('-netdev', `tap,id=nic,ifname=${plan.nic.tap},script=no,downscript=no`)
    list.push({ driver: 'virtio-net-pci', netdev: 'nic', mac: plan.nic.mac, addr: '0x2', romfile: '' })
  }
  return [...backends, ...list.flatMap((device) => ['-device', JSON.stringify(device)])]
}

const diskBackend = {
  driver: 'qcow2',
  'node-name': 'disk',
  discard: 'unmap',
  'detect-zeroes': 'unmap',
  cache: { direct: false, 'no-flush': false },
  file: { driver: 'file', filename: fileNames.disk, discard: 'unmap' },
}

const seedBackend = readOnlyBackend('seed', fileNames.seed)
const containersBackend = readOnlyBackend('containers', fileNames.containers)

function readOnlyBackend(name: string, filename: string): object {
  const file = { driver: 'file', filename, 'read-only': true }
  return { driver: 'raw', 'node-name': name, 'read-only': true, file }
}

function bootArguments(plan: QemuPlan): string[] {
  if (plan.kernel === null) return ['-boot', 'strict=on']
  const initrd = plan.kernel.initrd === undefined ? [] : ['-initrd', plan.kernel.initrd]
  return ['-kernel', plan.kernel.image, ...initrd, '-append', plan.kernel.arguments.join(' ')]
}

function checkPlan(plan: QemuPlan): void {
  const wrong = (what: string): never => {
    throw new HostError(`The machine cannot start: ${what}.`, { retryable: false })
  }
  if (!/^[a-z0-9]{6}$/.test(plan.installId)) wrong('the installation id is not 6 characters of a-z and 0-9')
  if (!isMachineId(plan.id)) wrong('its id is not a UUID')
  checkSize(plan)
  if (plan.nic !== null && !tapName.test(plan.nic.tap)) wrong("the tap's name is not valid")
  if (plan.nic !== null && !macAddress.test(plan.nic.mac)) wrong('the MAC address is not valid')
  const words = plan.kernel?.arguments ?? []
  if (!words.every((word) => /^[\x21-\x7e]+$/.test(word))) wrong('a kernel argument is not one plain word')
}
