import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoPlace } from './demo-place.ts'

/** The demo's own key pair, made at first use. @returns the public half */
export function ensureKeyPair(place: DemoPlace): string {
  const path = keyPath(place)
  if (!existsSync(path)) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'berth-demo', '-f', path], {
      stdio: 'ignore',
    })
  }
  return readFileSync(`${path}.pub`, 'utf8').trim()
}

export function keyPath(place: DemoPlace): string {
  return join(place.state, 'demo-key')
}

/** Forgets the host key of a guest that is about to be made anew. */
export function forgetHostKeys(place: DemoPlace): void {
  rmSync(join(place.state, 'demo-known-hosts'), { force: true })
}

/**
 * Writes an SSH configuration that knows the guest, its key and its port.
 * @returns the command that logs in with it
 */
export function writeSshConfig(
  place: DemoPlace,
  guest: { host: string; port: string; user: string },
): string {
  const path = join(place.state, 'ssh.conf')
  const lines = [
    'Host demo',
    `  HostName ${guest.host}`,
    `  Port ${guest.port}`,
    `  User ${guest.user}`,
    `  IdentityFile ${keyPath(place)}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${join(place.state, 'demo-known-hosts')}`,
    '  StrictHostKeyChecking accept-new',
    '  LogLevel ERROR',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return `ssh -F ${path} demo`
}
