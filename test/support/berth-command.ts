import { execFile, type ExecFileOptions } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const BERTH = join(import.meta.dirname, '../../bin/berth')

/** How a command ended: its exit code and all that it said. */
export interface CommandEnd {
  readonly code: number
  readonly said: string
}

/** Runs `berth` with these words until it ends. */
export async function berth(...words: string[]): Promise<CommandEnd> {
  return berthWith({}, ...words)
}

/** The same on a host whose clock was set that many seconds forward, or back. */
export async function berthAt(offsetSeconds: number, ...words: string[]): Promise<CommandEnd> {
  return berthWith(clockSetBy(offsetSeconds), ...words)
}

/** The variables of a program of Berth's on a host whose clock was set that many seconds forward, or back. */
export function clockSetBy(offsetSeconds: number): Readonly<Record<string, string>> {
  const origin = `performance.timeOrigin + ${offsetSeconds * 1000}`
  const shift = `Object.defineProperty(performance, 'timeOrigin', { value: ${origin} })`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` }
}

/** The same with variables of its own, such as BERTH_UPLINK. */
export async function berthWith(
  variables: Readonly<Record<string, string>>,
  ...words: string[]
): Promise<CommandEnd> {
  return ended(words, { env: { ...process.env, ...variables } })
}

/** The same by another user of the host, which root may ask for. */
export async function berthBy(uid: number, ...words: string[]): Promise<CommandEnd> {
  return ended(words, { uid, gid: uid, env: { ...process.env, HOME: '/nonexistent' } })
}

async function ended(words: readonly string[], options: ExecFileOptions): Promise<CommandEnd> {
  try {
    const { stdout, stderr } = await promisify(execFile)(BERTH, words, { ...options, encoding: 'utf8' })
    return { code: 0, said: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, said: stdout + stderr }
  }
}
