import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import type { Logger } from 'pino'
import type { MachineDriver } from '../drivers/machine-driver.ts'
import { QemuDriver } from '../drivers/qemu/qemu-driver.ts'
import { simulatedImage } from '../drivers/simulated/simulated-image.ts'
import { SimulatedDriver } from '../drivers/simulated/simulated-driver.ts'
import { CachedContainerImages } from '../images/container/cached-container-images.ts'
import type { RegistryAccess } from '../images/container/registry-access.ts'
import { SimulatedContainerImages } from '../images/container/simulated-container-images.ts'
import { findImage } from '../images/image-store.ts'
import { announceEffects } from '../host/announce-effects.ts'
import type { Host } from '../lifecycle/host.ts'
import { BackupError } from '../store/backup.ts'
import { SchemaError } from '../store/migrate.ts'
import { databaseDamage } from '../store/storage-error.ts'
import { KeyedMutex } from '../host/keyed-mutex.ts'
import { NamespaceNetwork } from '../network/namespace-network.ts'
import { SimulatedNetwork } from '../network/simulated-network.ts'
import { CommandError } from './command-error.ts'
import { ConfigError, type Config } from './config.ts'
import { deniedAccess } from './state-access.ts'
import { planOf, uplinkOf } from './uplink.ts'

/** The driver's effects whose names do not say so. */
const DRIVER_EFFECTS = ['requestPowerOff', 'changeAccess', 'setClock'] as const

/** Puts together the host that the configuration asks for. Nothing is touched yet. */
export function createHost(config: Config, installId: string, logger: Logger): Host {
  const log = (entry: object, message: string) => logger.info(entry, message)
  const shared = { plan: planOf(config), projectLocks: new KeyedMutex() }
  if (config.driver === 'simulated') {
    const { vcpus, memoryMib, gpus, ...behaviour } = config.simulated
    const capacity = { vcpus, memoryMib, gpus }
    const driver = new SimulatedDriver({ ...behaviour, capacity, directory: join(config.state, 'simulated') })
    return {
      ...shared,
      driver: announceEffects('driver', driver, DRIVER_EFFECTS),
      network: announceEffects('network', new SimulatedNetwork()),
      findImage: async (name) => simulatedImage(name),
      containerImages: new SimulatedContainerImages(),
    }
  }
  const network = new NamespaceNetwork({
    installId,
    runDir: join(config.state, 'run'),
    uplink: uplinkOf(config),
    guestUser: config.guestUser,
    log: (message) => logger.info(message),
  })
  return {
    ...shared,
    driver: announceEffects<MachineDriver>('driver', qemuDriver(config, installId, log), DRIVER_EFFECTS),
    network: announceEffects('network', network),
    findImage: (name) => findImage(config.cache, name),
    containerImages: new CachedContainerImages({ cacheDir: config.cache, access: registryAccess(config) }),
  }
}

/** How this host reaches registries of container images. */
export function registryAccess({ registryMirror, registryAuthFile }: Config): RegistryAccess {
  return { mirror: registryMirror, authFile: registryAuthFile }
}

/** The driver of real guests. */
function qemuDriver(
  config: Config,
  installId: string,
  log?: (entry: object, message: string) => void,
): MachineDriver & QemuDriver {
  return new QemuDriver({
    installId,
    stateDir: config.state,
    cacheDir: config.cache,
    accelerator: config.accelerator,
    guestUser: config.guestUser,
    probeImage: () => probeImage(config.cache),
    ...(log ? { log } : {}),
  })
}

/** What the accelerator probe boots: the tiny guest. */
export async function probeImage(cache: string): Promise<{ kernel: string; initrd: string } | null> {
  const image = await findImage(cache, 'tiny')
  return image?.kernel && image.initrd ? { kernel: image.kernel, initrd: image.initrd } : null
}

/** Makes the host ready to run guests. @throws HostError saying what is missing and how to get it */
export async function prepareHost(host: Host): Promise<void> {
  await host.driver.prepare()
  await host.network.prepare()
}

/** The error whose message explains in full what an operator is up against; null when nobody foresaw it. */
export function explanationOf(error: unknown): Error | null {
  if (error instanceof Error && EXPLAINED.some((known) => error instanceof known)) return error
  const damage = databaseDamage(error)
  if (damage === null) return deniedAccess(error)
  return new ConfigError(
    `The database berth.db of this installation is damaged (${damage}). Guests run on: stop the server, restore a ` +
      'backup with berth restore FILE --force, and start it again.',
  )
}

const EXPLAINED = [HostError, ConfigError, CommandError, SchemaError, BackupError]
