import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { missingProgram } from '../../host/missing-program.ts'
import { type CommandResult, tryCommand } from '../../host/run-command.ts'
import type { RegistryAccess } from './registry-access.ts'

/**
 * Ends a program with the process that started it, however that ends, and keeps what it mounts to itself: its own
 * process namespace is killed whole, its own mount namespace leaves nothing behind (setpriv(1), unshare(1)). The
 * roots of layers get their mode from the umask, and users inside a container must be able to enter them.
 */
const CONFINED = [
  ...'--pdeathsig KILL sh -c'.split(' '),
  'umask 022 && exec "$@"',
  ...'sh unshare --mount --pid --fork --kill-child=KILL skopeo'.split(' '),
]

export interface SkopeoOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** skopeo(1) with a configuration of its own: the host's for container engines, but its trust policy, stays out. */
export class Skopeo {
  /** Where layers lie on their way, packed. */
  readonly blobs: string
  readonly #scratch: string
  readonly #authFile: string

  private constructor(scratch: string, authFile: string) {
    this.blobs = join(scratch, 'blobs')
    this.#scratch = scratch
    this.#authFile = authFile
  }

  /** @param scratch an existing directory that only root can enter */
  static async in(scratch: string, access: RegistryAccess): Promise<Skopeo> {
    await writeFile(join(scratch, 'registries.conf'), '')
    await writeFile(join(scratch, 'storage.conf'), '[storage]\ndriver = "overlay"\n')
    // Without a file named, skopeo would look for root's own credentials.
    await writeFile(join(scratch, 'no-credentials.json'), '{}')
    await mkdir(join(scratch, 'blobs'))
    return new Skopeo(scratch, access.authFile || join(scratch, 'no-credentials.json'))
  }

  /**
   * Runs a command of skopeo's with the credentials, whatever its exit code.
   * @throws HostError when it is missing or overruns its time; the signal's reason when that is aborted
   */
  async run(command: string, words: readonly string[], options: SkopeoOptions): Promise<CommandResult> {
    const config = ['--tmpdir', this.blobs, '--registries-conf', join(this.#scratch, 'registries.conf')]
    const args = [...CONFINED, ...config, command, '--authfile', this.#authFile, ...words]
    const env = { CONTAINERS_STORAGE_CONF: join(this.#scratch, 'storage.conf') }
    const result = await tryCommand('setpriv', args, { ...options, env })
    if (result.code === 127 && result.stderr.startsWith('unshare:')) throw missingProgram('skopeo')
    return result
  }
}
