import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findPortOwner } from './port-owner.ts'

/** The program that listens somewhere on this host. */
export interface PortOwner {
  readonly pid: number
  /** As a person calls it: `node`, `another Berth (state: /srv/berth)`, `the demo of Berth`. */
  readonly name: string
  readonly isDemo: boolean
}

/** Who listens on an IPv4 address and port; null when nobody does, or it cannot be told. */
export async function portOwner({
  host,
  port,
}: {
  readonly host: string
  readonly port: number
}): Promise<PortOwner | null> {
  const owner = await findPortOwner(host, port).catch(() => null)
  if (owner === null) return null
  const state = await servedState(owner.pid)
  // Node names its main thread, which tells an operator nothing.
  if (state === null) return { pid: owner.pid, name: owner.name.replace('-MainThread', ''), isDemo: false }
  const isDemo = existsSync(join(state, 'demo.json'))
  return { pid: owner.pid, name: isDemo ? 'the demo of Berth' : `another Berth (state: ${state})`, isDemo }
}

/** ` by node (pid 123)`; empty when it cannot be told. */
export function byOwner(owner: PortOwner | null): string {
  return owner === null ? '' : ` by ${owner.name} (pid ${owner.pid})`
}

/** The state directory that a process serves, by its command line; null when it is no `berth serve --state DIRECTORY`. */
export async function servedState(pid: number): Promise<string | null> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  const serves = words.some((word, at) => word.endsWith('/main/berth.ts') && words[at + 1] === 'serve')
  const state = words[words.indexOf('--state') + 1]
  return serves && words.includes('--state') && state?.startsWith('/') ? state : null
}
