import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import type { AptRoot } from './apt-root.ts'
import { runCommand } from './run-command.ts'

/**
 * The package that holds the kernel itself, such as `linux-image-6.1.0-56-cloud-amd64`: the empty package
 * `linux-image-cloud-amd64` only depends on it.
 */
export async function concreteKernelPackage(apt: AptRoot, metaPackage: string): Promise<string> {
  const record = await apt.show(metaPackage)
  const name = /^Depends:.*?\b(linux-image-\d[a-z0-9.+-]*)/m.exec(record)?.[1]
  if (name) return name
  throw new HostError(`The Debian mirror's ${metaPackage} names no kernel. Try again later.`)
}

/** Unpacks every `.deb` in `directory` below `target`, and answers version by package name. */
export async function unpackDebs(directory: string, target: string): Promise<Record<string, string>> {
  const versions: Record<string, string> = {}
  const options = { timeoutMs: 120_000, debianPackage: 'dpkg' }
  for (const file of (await readdir(directory)).filter((name) => name.endsWith('.deb')).toSorted()) {
    const path = join(directory, file)
    await runCommand('dpkg-deb', ['-x', path, target], options)
    const shown = await runCommand('dpkg-deb', ['-W', '--showformat=${Package}\t${Version}', path], options)
    const [name, version] = shown.split('\t')
    if (name && version) versions[name] = version
  }
  return versions
}

/** The kernel version of an unpacked kernel package, such as `6.1.0-56-cloud-amd64`. */
export async function kernelVersion(root: string): Promise<string> {
  const versions = await readdir(join(root, 'lib/modules'))
  if (versions.length === 1) return versions[0]!
  throw new HostError(`Expected one kernel below ${join(root, 'lib/modules')}, found ${versions.length}.`)
}
