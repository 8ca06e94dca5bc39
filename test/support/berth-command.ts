import { execFile } from 'node:child_process'
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
  try {
    const { stdout, stderr } = await promisify(execFile)(BERTH, words)
    return { code: 0, said: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, said: stdout + stderr }
  }
}
