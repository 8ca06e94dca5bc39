import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import type { RequiredTools } from './recipe.ts'

/**
 * Checks that programs are installed.
 *
 * @throws HostError with one command that installs all that is missing.
 */
export async function requireTools(
  tools: RequiredTools,
  searchPath = process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
): Promise<void> {
  const missing: [string, string][] = []
  for (const [command, debianPackage] of Object.entries(tools)) {
    if (!(await isInstalled(command, searchPath))) missing.push([command, debianPackage])
  }
  if (missing.length === 0) return
  const commands = missing.map(([command]) => command).join(', ')
  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))].join(' ')
  const verb = missing.length === 1 ? 'is' : 'are'
  throw new HostError(`Building the image needs ${commands}, which ${verb} not installed.`, {
    retryable: false,
    remedy: `apt-get install ${packages}`,
  })
}

async function isInstalled(command: string, searchPath: string): Promise<boolean> {
  for (const directory of searchPath.split(delimiter).filter(Boolean)) {
    const usable = await access(join(directory, command), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable) return true
  }
  return false
}
