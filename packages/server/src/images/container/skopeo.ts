import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commandFailure, type CommandResult } from '../../host/run-command.ts'
import { runConfined } from './confined-program.ts'
import type { RegistryAccess } from './registry-access.ts'

export interface SkopeoOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** skopeo(1) with a configuration of its own: the host's for container engines, but its trust policy, stays out. */
export class Skopeo {
  readonly #scratch: string
  readonly #authFile: string

  private constructor(scratch: string, authFile: string) {
    this.#scratch = scratch
    this.#authFile = authFile
  }

  /** @param scratch an existing directory that only root can enter */
  static async in(scratch: string, access: RegistryAccess): Promise<Skopeo> {
    await writeFile(join(scratch, 'registries.conf'), '')
    // Without a file named, skopeo would look for root's own credentials.
    await writeFile(join(scratch, 'no-credentials.json'), '{}')
    await mkdir(join(scratch, 'tmp'))
    return new Skopeo(scratch, access.authFile || join(scratch, 'no-credentials.json'))
  }

  /**
   * Runs a command of skopeo's with the credentials, whatever its exit code.
   * @throws HostError when it is missing or overruns its time; the signal's reason when that is aborted
   */
  async run(command: string, words: readonly string[], options: SkopeoOptions): Promise<CommandResult> {
    return this.#run([], command, ['--authfile', this.#authFile, ...words], options)
  }

  /**
   * Copies an image between directories, its layers unpacked to plain archives (tar).
   * @throws HostError when that fails
   */
  async decompress(from: string, to: string, options: SkopeoOptions): Promise<void> {
    // The host's trust policy was asked when the image was fetched, and speaks of registries.
    const words = ['--dest-decompress', `dir:${from}`, `dir:${to}`]
    const result = await this.#run(['--insecure-policy'], 'copy', words, options)
    if (result.code !== 0) throw commandFailure('skopeo', result)
  }

  async #run(
    global: readonly string[],
    command: string,
    words: readonly string[],
    options: SkopeoOptions,
  ): Promise<CommandResult> {
    const registries = join(this.#scratch, 'registries.conf')
    const places = ['--tmpdir', join(this.#scratch, 'tmp'), '--registries-conf', registries]
    return runConfined('skopeo', [...places, ...global, command, ...words], options)
  }
}
