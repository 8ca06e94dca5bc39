/** One entry of an initramfs. Every entry belongs to root and dates from the epoch. */
export type ArchiveEntry =
  | { readonly path: string; readonly type: 'directory' }
  | { readonly path: string; readonly type: 'file'; readonly content: Buffer; readonly executable?: boolean }
  | { readonly path: string; readonly type: 'link'; readonly target: string }
  | { readonly path: string; readonly type: 'device'; readonly major: number; readonly minor: number }

/**
 * Packs an initramfs in cpio's `newc` format (Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst). Written here rather than by cpio(1), which needs root for device nodes and puts
 * dates and inode numbers of the host into the archive.
 */
export function packInitramfs(entries: readonly ArchiveEntry[]): Buffer {
  const parts: Buffer[] = []
  entries.forEach((entry, index) => parts.push(...member(entry, index + 1)))
  parts.push(...record({ name: 'TRAILER!!!', inode: 0, mode: 0, data: Buffer.alloc(0) }))
  return Buffer.concat(parts)
}

function member(entry: ArchiveEntry, inode: number): Buffer[] {
  const name = entry.path
  const none = Buffer.alloc(0)
  switch (entry.type) {
    case 'directory':
      return record({ name, inode, mode: 0o040755, data: none })
    case 'file':
      return record({ name, inode, mode: entry.executable ? 0o100755 : 0o100644, data: entry.content })
    case 'link':
      return record({ name, inode, mode: 0o120777, data: Buffer.from(entry.target) })
    case 'device':
      return record({ name, inode, mode: 0o020600, data: none, device: [entry.major, entry.minor] })
  }
}

function record(file: {
  name: string
  inode: number
  mode: number
  data: Buffer
  device?: readonly [number, number]
}): Buffer[] {
  const name = Buffer.from(`${file.name}\0`)
  const [major, minor] = file.device ?? [0, 0]
  const links = (file.mode & 0o170000) === 0o040000 ? 2 : 1
  const fields = [file.inode, file.mode, 0, 0, links, 0, file.data.length, 0, 0, major, minor, name.length, 0]
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`)
  return [header, name, padding(header.length + name.length), file.data, padding(file.data.length)]
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4)
}
