import { constants } from 'node:fs'
import { errorCode } from '../../host/error-code.ts'
import { commitFile, openPlainFile, type MachineFiles } from './machine-files.ts'

const MAX_BYTES = 4096

/** Keeps what is to be known of the process that is about to start; only while there is none. */
export async function writeStartNote({ note: path }: MachineFiles, note: string): Promise<void> {
  const temporary = `${path}.new`
  const file = await openPlainFile(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC)
  await file.writeFile(note).finally(() => file.close())
  await commitFile(temporary, path)
}

/** What was kept when the process was started: the guest user can write there, so it is untrusted. Null: nothing. */
export async function readStartNote({ note: path }: MachineFiles): Promise<string | null> {
  try {
    const file = await openPlainFile(path, constants.O_RDONLY)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    // A link or a pipe in its place is as good as none.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ELOOP') return null
    throw error
  }
}
