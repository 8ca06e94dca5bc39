/** What a made-up qcow2 header says; a plain disk of 1 GiB unless told. */
interface HeaderParts {
  readonly version?: number
  readonly backingFile?: string
  readonly virtualSize?: bigint
  readonly encryption?: number
  /** Incompatible features, as bits. */
  readonly features?: bigint
}

/** The first bytes of a qcow2 file (docs/interop/qcow2.rst of QEMU), for tests that run without QEMU. */
export function qcow2Header(parts: HeaderParts = {}): Buffer {
  const header = Buffer.alloc(112)
  const name = Buffer.from(parts.backingFile ?? '')
  header.writeUInt32BE(0x514649fb, 0)
  header.writeUInt32BE(parts.version ?? 3, 4)
  header.writeBigUInt64BE(name.length > 0 ? 112n : 0n, 8)
  header.writeUInt32BE(name.length, 16)
  header.writeBigUInt64BE(parts.virtualSize ?? 2n ** 30n, 24)
  header.writeUInt32BE(parts.encryption ?? 0, 32)
  header.writeBigUInt64BE(parts.features ?? 0n, 72)
  return Buffer.concat([header, name])
}
