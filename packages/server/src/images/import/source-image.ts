import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { HostError } from '@berth/contract/host/host-error'
import { readQcow2Header } from './qcow2-header.ts'

const gib = 2n ** 30n
const smallest = 2n ** 20n
/** No cloud image is anywhere near this size; a header may claim exabytes. */
const largest = 1024n * gib

/** What other formats begin with, to tell a person what the file is. */
const others: readonly (readonly [string, string, string])[] = [
  ['1f8b', 'compressed with gzip', 'Unpack it first: gunzip FILE'],
  ['fd377a585a00', 'compressed with xz', 'Unpack it first: unxz FILE'],
  ['28b52ffd', 'compressed with zstd', 'Unpack it first: unzstd FILE'],
  ['425a68', 'compressed with bzip2', 'Unpack it first: bunzip2 FILE'],
  ['504b0304', 'a zip archive', 'Unpack it first.'],
  ['4b444d', 'a VMDK disk', 'Convert it first: qemu-img convert -O qcow2 FILE OUT'],
  ['76686478', 'a VHDX disk', 'Convert it first: qemu-img convert -O qcow2 FILE OUT'],
  ['4c554b53babe', 'an encrypted (LUKS) volume', 'Berth boots unencrypted images.'],
]

/**
 * Looks at a disk image that is not trusted yet, without running anything on it, and answers what it is.
 * @throws HostError when it refers to other files, is encrypted, has an absurd size, or cannot boot
 */
export async function judgeSource(path: string): Promise<{ format: 'qcow2' | 'raw'; virtualSize: bigint }> {
  const header = await readQcow2Header(path)
  if (header === null) return { format: 'raw', virtualSize: checkedSize(await rawSize(path)) }
  if (header.version !== 2 && header.version !== 3) refuse(`its qcow2 version ${header.version} is not known`)
  if (header.backingFile !== null) {
    refuse(
      'it is an overlay that needs another file (its backing file). Flatten it: qemu-img convert -O qcow2',
    )
  }
  if (header.externalData) {
    refuse('its data lies in another file. Put it into one: qemu-img convert -O qcow2')
  }
  if (header.encrypted) refuse('it is encrypted')
  return { format: 'qcow2', virtualSize: checkedSize(header.virtualSize) }
}

function checkedSize(bytes: bigint): bigint {
  if (bytes < smallest) refuse(`a disk of ${bytes} bytes cannot hold an operating system`)
  if (bytes > largest) refuse(`its disk has ${bytes / gib} GiB; at most ${largest / gib} GiB are taken`)
  return bytes
}

async function rawSize(path: string): Promise<bigint> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
    const start = buffer.subarray(0, bytesRead).toString('hex')
    const known = others.find(([beginning]) => start.startsWith(beginning))
    if (known) refuse(`it is ${known[1]}. ${known[2]}`)
    // Both partition tables, MBR and GPT, and every boot sector end so (UEFI 2.10, 5.2.1).
    if (bytesRead < 512 || buffer.readUInt16LE(510) !== 0xaa55) {
      refuse('it is neither a qcow2 file nor a raw disk with a partition table')
    }
    return BigInt(size)
  } finally {
    await file.close()
  }
}

function refuse(why: string): never {
  throw new HostError(`The image cannot be imported: ${why}.`, { retryable: false })
}
