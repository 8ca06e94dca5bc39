import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** What the first bytes of a disk image say (docs/interop/qcow2.rst of QEMU; big-endian). */
export interface Qcow2Header {
  readonly version: number
  readonly backingFile: string | null
  /** Bytes that a guest sees. */
  readonly virtualSize: bigint
  readonly encrypted: boolean
  /** Guest data lies in another file. */
  readonly externalData: boolean
}

/** Longest name of a backing file that QEMU accepts. */
const maxBackingName = 1023
const magic = 0x514649fb
const externalDataBit = 1n << 2n

/** The header of a qcow2 file; null when the file is something else. No link is followed and no pipe waited for. */
export async function readQcow2Header(path: string): Promise<Qcow2Header | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(104), 0, 104, 0)
    if (bytesRead < 72 || buffer.readUInt32BE(0) !== magic) return null
    const version = buffer.readUInt32BE(4)
    const nameOffset = buffer.readBigUInt64BE(8)
    const nameLength = Math.min(buffer.readUInt32BE(16), maxBackingName)
    const features = version >= 3 && bytesRead >= 80 ? buffer.readBigUInt64BE(72) : 0n
    let backingFile: string | null = null
    if (nameOffset !== 0n) {
      const name = await file.read(Buffer.alloc(nameLength), 0, nameLength, Number(nameOffset))
      backingFile = name.buffer.subarray(0, name.bytesRead).toString('utf8')
    }
    return {
      version,
      backingFile,
      virtualSize: buffer.readBigUInt64BE(24),
      encrypted: buffer.readUInt32BE(32) !== 0,
      externalData: (features & externalDataBit) !== 0n,
    }
  } finally {
    await file.close()
  }
}
