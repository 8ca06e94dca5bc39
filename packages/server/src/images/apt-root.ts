import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { debianKeyring, debianSources, renderSources } from './debian-sources.ts'
import { runCommand } from './run-command.ts'

const aptTimeoutMs = 10 * 60_000
/** Settings of the host's apt that say how to reach and trust its mirrors (apt.conf(5)). */
const carriedSettings = /^Acquire::(?:https?|ftp|Retries|Check-Valid-Until|Check-Date|ForceIPv4|ForceIPv6)\b/i

/** An apt with its own sources, lists, cache and (empty) package database; the host's stay untouched. */
export interface AptRoot {
  /** Looks a package's newest record up: its control file, such as `Package: …\nDepends: …`. */
  show(packageName: string): Promise<string>
  /** Downloads packages, checked against their signed lists, into `directory`. */
  download(packageNames: readonly string[], directory: string): Promise<void>
}

/** The `Acquire` lines of the host's apt configuration that a private apt needs as well, such as a proxy. */
export async function hostAcquireSettings(): Promise<string[]> {
  const dump = await runCommand('apt-config', ['dump'], { timeoutMs: 30_000, debianPackage: 'apt' })
  return dump.split('\n').filter((line) => carriedSettings.test(line) && /^\S+ "[^"\n]*";$/.test(line))
}

/**
 * Makes a private apt below `directory` and fetches the package lists of bookworm.
 *
 * @throws HostError when the mirror does not answer or its signature is not trusted.
 */
export async function createAptRoot(directory: string): Promise<AptRoot> {
  await access(debianKeyring).catch(() => {
    throw new HostError('The key ring of the Debian archive is missing.', {
      retryable: false,
      remedy: 'apt-get install debian-archive-keyring',
    })
  })
  for (const path of ['etc/sources.list.d', 'etc/preferences.d', 'etc/apt.conf.d', 'state/lists/partial']) {
    await mkdir(join(directory, path), { recursive: true })
  }
  await mkdir(join(directory, 'cache/archives/partial'), { recursive: true })
  await writeFile(join(directory, 'state/status'), '')
  await writeFile(join(directory, 'etc/sources.list.d/debian.sources'), renderSources(await debianSources()))
  const config = join(directory, 'apt.conf')
  const settings = [
    `Dir::Etc "${join(directory, 'etc')}";`,
    `Dir::State "${join(directory, 'state')}";`,
    `Dir::State::status "${join(directory, 'state/status')}";`,
    `Dir::Cache "${join(directory, 'cache')}";`,
    'APT::Architecture "amd64";',
    'APT::Architectures "amd64";',
    'APT::Sandbox::User "";',
    'Acquire::Languages "none";',
    ...(await hostAcquireSettings()),
  ]
  await writeFile(config, `${settings.join('\n')}\n`)
  const options = { timeoutMs: aptTimeoutMs, env: { APT_CONFIG: config }, debianPackage: 'apt' }
  await runCommand('apt-get', ['update', '-q', '-o', 'APT::Update::Error-Mode=any'], options)
  return {
    show: (packageName) => runCommand('apt-cache', ['show', '--no-all-versions', packageName], options),
    download: async (packageNames, to) => {
      await runCommand('apt-get', ['download', '-q', ...packageNames], { ...options, cwd: to })
    },
  }
}
