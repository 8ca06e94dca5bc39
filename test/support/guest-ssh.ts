import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ComputeInstance } from '@berth/contract/compute-instance'

const run = promisify(execFile)

/** A key pair of the test's own. */
export async function makeKeyPair(
  directory: string,
  name: string,
): Promise<{ path: string; publicKey: string }> {
  const path = join(directory, name)
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path])
  return { path, publicKey: readFileSync(`${path}.pub`, 'utf8').trim() }
}

/** Logs in to a guest where its status says that SSH answers. */
export class GuestSsh {
  readonly #destination: readonly string[]
  readonly #directory: string

  constructor(instance: ComputeInstance, directory: string) {
    const {
      ServerHost: host = '',
      Port: port = '',
      Username: user = '',
    } = instance.status.output['vm']?.tasks['guest'] ?? {}
    this.#directory = directory
    const hosts = join(directory, 'known-hosts')
    this.#destination = [
      '-F',
      'none',
      '-o',
      `UserKnownHostsFile=${hosts}`,
      '-o',
      'StrictHostKeyChecking=accept-new',
      '-p',
      port,
      `${user}@${host}`,
    ]
  }

  /** Runs a command with key authentication. */
  async withKey(key: string, ...command: string[]): Promise<string> {
    const { stdout } = await run('ssh', this.#arguments(key, command), { timeout: 60_000 })
    return stdout.trim()
  }

  /** Runs a command with the password, typed by ssh's own helper. */
  async withPassword(password: string, ...command: string[]): Promise<string> {
    const helper = join(this.#directory, 'askpass')
    writeFileSync(helper, '#!/bin/sh\nprintf "%s\\n" "$TEST_PASSWORD"\n', { mode: 0o700 })
    const options = [
      '-o',
      'PubkeyAuthentication=no',
      '-o',
      'NumberOfPasswordPrompts=1',
      ...this.#destination,
      ...command,
    ]
    const env = { ...process.env, SSH_ASKPASS: helper, SSH_ASKPASS_REQUIRE: 'force', TEST_PASSWORD: password }
    const { stdout } = await run('ssh', options, { timeout: 60_000, env })
    return stdout.trim()
  }

  /** A session that stays open; each line written to it comes back. */
  openEcho(key: string): ChildProcess {
    return spawn('ssh', this.#arguments(key, ['cat']), { stdio: ['pipe', 'pipe', 'inherit'] })
  }

  #arguments(key: string, command: readonly string[]): string[] {
    return [
      '-i',
      key,
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'PasswordAuthentication=no',
      ...this.#destination,
      ...command,
    ]
  }
}
