import { constants } from 'node:fs'
import { access, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { acceleratorVerdict } from '../../drivers/qemu/accelerator.ts'
import { lookupGuestAccount } from '../../drivers/qemu/guest-account.ts'
import { checkStateDir } from '../../drivers/qemu/machine-files.ts'
import { commandEnvironment } from '../../host/run-command.ts'
import { listImages } from '../../images/image-store.ts'
import { type Config, listenAddress } from '../config.ts'
import { wantedImages } from '../catalogue.ts'
import { probeImage } from '../host.ts'
import { byOwner, portOwner } from '../../network/listening-program.ts'
import { refusalOf } from '../state-directory.ts'
import { type Finding, missing, ok, warning } from './finding.ts'
import { judgeImages } from './images.ts'
import { tryNetwork } from './network.ts'
import { withProbeDirectory } from './probe-directory.ts'
import { judgePrograms } from './programs.ts'
import { judgeDisk, judgeFileLimit, judgeMemory, judgeTime } from './resources.ts'
import { type FileFacts, judgeState } from './state.ts'
import { uplinkFindings } from './uplink.ts'

/** Looks at one thing, or several that belong together. What it throws becomes a finding of that name. */
export interface Check {
  readonly what: string
  readonly look: () => Promise<Finding | Finding[]>
}

/** Everything that a host is looked at for. With the simulated driver, only what that needs. */
export function hostChecks(config: Config, recheck: boolean): Check[] {
  const shared: Check[] = [
    { what: 'State', look: () => stateFinding(config) },
    { what: 'Disk', look: () => diskFindings(config) },
    { what: 'Memory', look: async () => judgeMemory(await readFile('/proc/meminfo', 'utf8')) },
    { what: 'API port', look: () => portFinding(config) },
    { what: 'Clock', look: timeFinding },
    { what: 'Open files', look: async () => judgeFileLimit(await readFile('/proc/self/limits', 'utf8')) },
  ]
  if (config.driver === 'simulated') return shared
  return [
    { what: 'Root', look: async () => rootFinding(process.getuid?.()) },
    { what: 'Programs', look: () => judgePrograms(isInstalled) },
    { what: 'Guest user', look: () => userFinding(config.guestUser) },
    { what: 'Accelerator', look: () => acceleratorFinding(config, recheck) },
    { what: 'Tap device', look: tapFinding },
    { what: 'Namespaces', look: () => tryNetwork() },
    { what: 'Uplink', look: () => uplinkFindings(config) },
    { what: 'Guest images', look: () => imageFinding(config.cache) },
    ...shared,
  ]
}

export function rootFinding(uid: number | undefined): Finding {
  return uid === 0
    ? ok('Root', 'yes')
    : missing('Root', `this is user ${uid}`, 'Run it as root: sudo berth doctor')
}

async function userFinding(name: string): Promise<Finding> {
  const { uid } = await lookupGuestAccount(name)
  return uid === 0
    ? missing('Guest user', `${name} is root`, 'Configure guestUser as a user without rights.')
    : ok('Guest user', `${name} (uid ${uid})`)
}

async function acceleratorFinding(config: Config, recheck: boolean): Promise<Finding> {
  const { accelerator, reason } = await withProbeDirectory(config.state, (stateDir) =>
    acceleratorVerdict({
      installId: 'doctor',
      stateDir,
      cacheDir: config.cache,
      accelerator: config.accelerator,
      guestUser: config.guestUser,
      probeImage: () => probeImage(config.cache),
      refresh: recheck,
    }),
  )
  const [, why = reason, command = 'berth doctor --recheck, after something has changed'] =
    /^(.*?)\s*Run: (.*?)\.?$/s.exec(reason) ?? []
  const detail = `${accelerator}: ${why}`
  if (accelerator === 'kvm' || config.accelerator === 'tcg') return ok('Accelerator', detail)
  return warning('Accelerator', detail, command)
}

async function tapFinding(): Promise<Finding> {
  const device = await stat('/dev/net/tun').catch(() => null)
  return device?.isCharacterDevice()
    ? ok('Tap device', '/dev/net/tun')
    : missing('Tap device', '/dev/net/tun does not exist', 'modprobe tun')
}

async function imageFinding(cache: string): Promise<Finding> {
  const names = (await listImages(cache)).map(({ name }) => name)
  return judgeImages([...new Set(names)], wantedImages(), cache)
}

async function stateFinding({ state, driver }: Config): Promise<Finding> {
  const facts = async (path: string): Promise<FileFacts> => {
    const info = await stat(path).catch(() => null)
    return info === null ? null : { mode: info.mode, uid: info.uid }
  }
  const names = ['secret.key', 'admin.key', 'berth.db']
  const files = await Promise.all(names.map(async (name) => [name, await facts(join(state, name))] as const))
  const above: string[] = []
  if (driver === 'qemu') {
    checkStateDir(state)
    for (let at = dirname(state); at !== '/'; at = dirname(at)) {
      const found = await facts(at)
      if (found !== null && (found.mode & 0o001) === 0) above.push(at)
    }
  }
  const directory = await facts(state)
  const uid = process.getuid?.() ?? 0
  return judgeState({
    path: state,
    directory,
    // Of what this user cannot look at, the owner is told.
    refusal: directory?.uid === uid || uid === 0 ? refusalOf(state) : null,
    files: Object.fromEntries(files),
    closedAbove: above,
    uid,
  })
}

async function diskFindings(config: Config): Promise<Finding[]> {
  const free = async (path: string): Promise<number> => {
    const info = await statfs(path).catch(() => null)
    return info ? info.bavail * info.bsize : free(dirname(path))
  }
  const state = judgeDisk('Disk, guests', config.state, await free(config.state))
  return [state, judgeDisk('Disk, images', config.cache, await free(config.cache))]
}

async function portFinding(config: Config): Promise<Finding> {
  const { host, port } = listenAddress(config)
  const server = createServer()
  const code = await new Promise<string | null>((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => resolve(null))
  })
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (code === null) return ok('API port', `${config.listen} is free`)
  const serving = (await readFile(join(config.state, 'serve.pid'), 'utf8').catch(() => '')).trim()
  const owner = await portOwner({ host, port })
  if (owner !== null && `${owner.pid}` === serving)
    return ok('API port', `${config.listen} is served by this installation (pid ${serving})`)
  const detail = `${config.listen} cannot be used (${code})${owner === null ? '' : `, in use${byOwner(owner)}`}`
  if (owner?.isDemo) {
    const remedy =
      'npm run demo -- --clean removes the demo, Ctrl-C in its terminal ends it; or choose another --listen.'
    return warning('API port', detail, remedy)
  }
  return missing('API port', detail, 'Stop that program, or choose another with --listen.')
}

async function timeFinding(): Promise<Finding> {
  const synchronized = await stat('/run/systemd/timesync/synchronized').then(
    () => true,
    () => false,
  )
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')))
  return judgeTime(synchronized, names)
}

async function isInstalled(program: string): Promise<boolean> {
  for (const directory of commandEnvironment['PATH']?.split(':') ?? []) {
    const found = await access(join(directory, program), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}
