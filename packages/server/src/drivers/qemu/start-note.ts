import { readFile } from 'node:fs/promises'
import { errorCode } from '../../host/error-code.ts'

const VARIABLE = 'BERTH_START_NOTE'

/**
 * The variable by which a machine's process carries what is to be known of it: there from its first moment, gone with
 * it, and of two starts that race each has its own. Never secret: whoever may look at the process can read it.
 */
export function startNote(note: string): Readonly<Record<string, string>> {
  return { [VARIABLE]: note }
}

/** What a process was started with. It can change its own environment, so that is untrusted. Null: nothing. */
export async function readStartNote(pid: number): Promise<string | null> {
  try {
    const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0')
    const found = variables.find((variable) => variable.startsWith(`${VARIABLE}=`))
    return found === undefined ? null : found.slice(VARIABLE.length + 1)
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return null
    throw error
  }
}
