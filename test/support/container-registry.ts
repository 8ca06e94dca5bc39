import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAptRoot } from '../../packages/server/src/images/apt-root.ts'
import { runCommand } from '../../packages/server/src/images/run-command.ts'
import { madeOnce } from '../images/made-once.ts'
import { freePort } from './free-port.ts'
import { waitFor } from './wait-for.ts'

/** Who may use a registry that asks. The hash is that of the word (bcrypt, htpasswd(1)). */
export const registryUser = { name: 'berth', word: 'registry-word' } as const
const HTPASSWD = 'berth:$2y$05$yjHRmD0xfeT2sch9annx8uLwrPfKRMvBUI/9OEP74M47zlWYRj/ie\n'

/** A registry of container images on a loopback port. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** The requests that it has answered so far, one line each. */
  requests(): Promise<string[]>
  /** Ends it; a second time changes nothing. */
  stop(): Promise<void>
}

export interface RegistryOptions {
  /** It asks for `registryUser`. */
  readonly credentials?: boolean
  /** Takes no images, so that several registries may share the storage. */
  readonly readOnly?: boolean
}

/** Starts a registry on a storage directory. It ends with this process at the latest. */
export async function startRegistryOn(storage: string, options: RegistryOptions = {}): Promise<TestRegistry> {
  const program = join(await registryProgram(), 'usr/bin/docker-registry')
  const directory = await mkdtemp(join(tmpdir(), 'berth-registry-'))
  const address = `127.0.0.1:${await freePort()}`
  const [config, log] = [join(directory, 'config.yml'), join(directory, 'log')]
  await writeFile(join(directory, 'htpasswd'), HTPASSWD)
  const auth = { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } }
  const settings = {
    version: '0.1',
    log: { level: 'error' },
    storage: {
      filesystem: { rootdirectory: storage },
      maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: options.readOnly === true } },
    },
    http: { addr: address },
    ...(options.credentials ? { auth } : {}),
  }
  // JSON is YAML.
  await writeFile(config, JSON.stringify(settings))
  const output = openSync(log, 'w')
  const words = ['--pdeathsig', 'KILL', program, 'serve', config]
  const child = spawn('setpriv', words, { stdio: ['ignore', output, output], env: { HOME: directory } })
  closeSync(output)
  await waitFor(() => answers(address, child), { deadlineSeconds: 20, what: `the registry on ${address}` })
  return {
    address,
    requests: async () =>
      (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes(' HTTP/1.')),
    stop: async () => {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
      child.kill('SIGKILL')
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Puts an image (`oci:DIRECTORY`) into a registry that asks for nothing, as `repository:tag`. */
export async function pushLayout(registry: TestRegistry, layout: string, name: string): Promise<void> {
  const words = [
    'copy',
    '--quiet',
    '--dest-tls-verify=false',
    `oci:${layout}`,
    `docker://${registry.address}/${name}`,
  ]
  await runCommand('skopeo', words, { timeoutMs: 300_000, debianPackage: 'skopeo' })
}

async function answers(address: string, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`)
  return (await fetch(`http://${address}/v2/`)).status < 500
}

/** Debian's docker-registry, unpacked and not installed: as a package it would start a service of its own. */
async function registryProgram(): Promise<string> {
  return madeOnce('docker-registry', async (output, work) => {
    const apt = await createAptRoot(join(work, 'apt'))
    const packages = join(work, 'packages')
    await mkdir(packages)
    await apt.download(['docker-registry'], packages)
    const unpack = 'dpkg-deb --extract "$1"/docker-registry_*.deb "$2"'
    const words = ['-c', unpack, 'sh', packages, output]
    await runCommand('sh', words, { timeoutMs: 60_000, debianPackage: 'dpkg' })
  })
}
