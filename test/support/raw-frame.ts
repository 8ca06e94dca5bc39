import { runCommand } from '../../packages/server/src/host/run-command.ts'

/** Sends each frame of its arguments, in hexadecimal, out of eth0. Debian's base has Perl; Node has no raw sockets. */
const SENDER = `
socket(my $socket, 17, 3, 0) or die $!;
open(my $file, '<', '/sys/class/net/eth0/ifindex') or die $!;
my $place = pack('SnlSCCa8', 17, 0, <$file>, 0, 0, 6, '');
send($socket, pack('H*', $_), 0, $place) or die $! for @ARGV;
`

/** Sends Ethernet frames as they are from inside a guest's namespace. */
export async function sendFrames(namespace: string, frames: readonly Buffer[]): Promise<void> {
  const perl = ['perl', '-e', SENDER, ...frames.map((each) => each.toString('hex'))]
  await runCommand('ip', ['netns', 'exec', namespace, ...perl])
}

/** An Ethernet frame (IEEE 802.3) with at least 46 bytes of payload. */
export function frame(to: string, from: string, type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(14)
  macBytes(to).copy(head, 0)
  macBytes(from).copy(head, 6)
  head.writeUInt16BE(type, 12)
  return Buffer.concat([head, payload, Buffer.alloc(Math.max(0, 46 - payload.length))])
}

/** An ARP answer (RFC 826) that says that `address` is at `mac`. */
export function arpAnswer(mac: string, address: string, askerMac: string, asker: string): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, 2])
  return Buffer.concat([head, macBytes(mac), addressBytes(address), macBytes(askerMac), addressBytes(asker)])
}

/** An IPv4 packet with a UDP datagram (RFC 791, RFC 768); the UDP checksum is left out. */
export function udpPacket(from: string, fromPort: number, to: string, toPort: number): Buffer {
  const packet = Buffer.alloc(36)
  packet.writeUInt16BE(0x4500, 0)
  packet.writeUInt16BE(packet.length, 2)
  packet.writeUInt16BE(0x4011, 8)
  addressBytes(from).copy(packet, 12)
  addressBytes(to).copy(packet, 16)
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10)
  packet.writeUInt16BE(fromPort, 20)
  packet.writeUInt16BE(toPort, 22)
  packet.writeUInt16BE(16, 24)
  return packet
}

/** An IPv6 router advertisement (RFC 4861) to all nodes; its checksum is left out. */
export function routerAdvertisement(): Buffer {
  const packet = Buffer.alloc(56)
  packet.writeUInt32BE(0x6000_0000, 0)
  packet.writeUInt16BE(16, 4)
  packet.writeUInt16BE(0x3aff, 6)
  packet.writeUInt16BE(0xfe80, 8)
  packet.writeUInt8(9, 23)
  packet.writeUInt16BE(0xff02, 24)
  packet.writeUInt8(1, 39)
  packet.writeUInt8(134, 40)
  return packet
}

function checksum(data: Buffer): number {
  let sum = 0
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff)
  return 0xffff - sum
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex')
}

function addressBytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}
