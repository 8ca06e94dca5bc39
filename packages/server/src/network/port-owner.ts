import { readdir, readFile, readlink } from 'node:fs/promises'
import { endianness } from 'node:os'

/** One line of /proc/net/tcp or /proc/net/tcp6, see proc_net_tcp in the kernel's documentation. */
export interface TcpEntry {
  /** IPv4 in dots; an IPv6 address as 32 hexadecimal digits in network order. */
  readonly address: string
  readonly port: number
  readonly listening: boolean
  readonly inode: string
}

/** The state number of TCP_LISTEN in /proc/net/tcp. */
const LISTEN = '0A'
const ANY_IPV6 = '0'.repeat(32)
const MAPPED_IPV4 = `${'0'.repeat(20)}ffff`

/** Parses /proc/net/tcp or tcp6. Lines that do not look like entries are passed over. */
export function parseTcpTable(text: string): TcpEntry[] {
  const entries: TcpEntry[] = []
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/)
    const place = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(words[1] ?? '')
    const inode = words[9]
    if (place === null || inode === undefined) continue
    const [, address = '', port = ''] = place
    entries.push({
      address: readAddress(address),
      port: Number.parseInt(port, 16),
      listening: words[3] === LISTEN,
      inode,
    })
  }
  return entries
}

/**
 * The inode of the socket that keeps others from an IPv4 address and port, or null. UDP knows no listening:
 * there every socket on the port does.
 */
export function findListener(
  entries: readonly TcpEntry[],
  address: string,
  port: number,
  protocol: 'tcp' | 'udp' = 'tcp',
): string | null {
  const places = new Set([address, '0.0.0.0', ANY_IPV6, MAPPED_IPV4 + hexadecimal(address)])
  const holds = (entry: TcpEntry) => entry.listening || protocol === 'udp'
  const found = entries.find((entry) => holds(entry) && entry.port === port && places.has(entry.address))
  return found?.inode ?? null
}

/**
 * The process that listens on an IPv4 address and port of the host, or null when it cannot be told:
 * it has just ended, belongs to another namespace of processes, or this process may not look.
 */
export async function findPortOwner(
  address: string,
  port: number,
  protocol: 'tcp' | 'udp' = 'tcp',
): Promise<{ readonly pid: number; readonly name: string } | null> {
  const tables = await Promise.all(
    [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].map((path) => readFile(path, 'utf8').catch(() => '')),
  )
  const inode = findListener(parseTcpTable(tables.join('\n')), address, port, protocol)
  if (inode === null || inode === '0') return null
  const wanted = `socket:[${inode}]`
  for (const pid of await numbersIn('/proc')) {
    for (const fd of await numbersIn(`/proc/${pid}/fd`)) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      if (link !== wanted) continue
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
      return { pid: Number(pid), name: name.trim() || 'unknown' }
    }
  }
  return null
}

async function numbersIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => [])
  return names.filter((name) => /^\d+$/.test(name))
}

/** The kernel prints addresses as 32-bit words in the machine's own byte order. */
function readAddress(digits: string): string {
  const words = digits.match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) => {
    const pairs = word.match(/../g) ?? []
    return endianness() === 'LE' ? pairs.toReversed() : pairs
  })
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  return bytes.join('').toLowerCase()
}

function hexadecimal(address: string): string {
  return address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
}
