import { addressNumber } from './address-set.ts'
import type { NetworkLink } from './namespace-look.ts'
import { runCommand } from '../host/run-command.ts'

/**
 * Sends a frame, given in hexadecimal, out of a device. No command of iproute2 does, and Node has no raw sockets;
 * Perl is part of every Debian (perl-base is essential). See packet(7).
 */
const SENDER = `
my ($index, $frame) = @ARGV;
socket(my $socket, 17, 3, 0) or die "socket: $!";
send($socket, pack('H*', $frame), 0, pack('SnlSCCa8', 17, 0, $index, 0, 0, 6, '')) or die "send: $!";
`

/**
 * Tells the neighbours on a namespace's device that an address is at its MAC address, by a gratuitous ARP request (RFC 5227,
 * section 3): who remembers another place for the address, from an earlier owner, corrects that.
 */
export async function announceAddress(
  namespace: string,
  device: NetworkLink | undefined,
  address: string,
): Promise<void> {
  if (device?.ifindex === undefined || device.address === undefined) return
  const mac = Buffer.from(device.address.replaceAll(':', ''), 'hex')
  const ip = Buffer.alloc(4)
  ip.writeUInt32BE(addressNumber(address))
  const frame = Buffer.concat([
    Buffer.alloc(6, 0xff),
    mac,
    Buffer.from('08060001080006040001', 'hex'),
    mac,
    ip,
    Buffer.alloc(6),
    ip,
    Buffer.alloc(18),
  ])
  const perl = ['perl', '-e', SENDER, String(device.ifindex), frame.toString('hex')]
  await runCommand('ip', ['netns', 'exec', namespace, ...perl])
}
