import { randomBytes } from 'node:crypto'
import { addressNumber } from './address-set.ts'
import type { BridgeUplink } from './bridge-uplink.ts'
import { runIp, upLine } from './ip-batch.ts'
import { linkOf, listLinks } from './namespace-look.ts'
import { bridgePortMac } from './network-names.ts'
import { withScratchNamespace } from './scratch-namespace.ts'

/**
 * Sends ARP requests for addresses, each three times in a second, from a device without an address of its own, and
 * prints who answers for them until half a second later. The requests are RFC 5227's probes: whoever hears them learns
 * nothing, since they name no sender. Perl for the reason that announce-address.ts tells.
 */
const PROBER = `
my ($index, $mac, @addresses) = @ARGV;
my $place = sub { pack('SnlSCCa8', 17, 0x0806, $index, 0, 0, 6, $_[0]) };
my %seen;
socket(my $socket, 17, 3, unpack('S', pack('n', 0x0806))) or die "socket: $!";
bind($socket, $place->('')) or die "bind: $!";
for (1 .. 3) {
  for (@addresses) {
    my $arp = pack('nnCCnH12H8H12H8', 1, 0x0800, 6, 4, 1, $mac, '', '', $_);
    my $frame = pack('H12H12n', 'f' x 12, $mac, 0x0806) . $arp . "\\0" x 18;
    send($socket, $frame, 0, $place->("\\xff" x 6)) or die "send: $!";
  }
  my ($found, $left) = (1, 0.5);
  while ($found and $left > 0) {
    my $bits = '';
    vec($bits, fileno($socket), 1) = 1;
    ($found, $left) = select($bits, undef, undef, $left);
    next unless $found > 0;
    recv($socket, my $frame, 1500, 0);
    my ($sender, $address) = unpack('x22H12H8', $frame);
    next if $sender eq $mac or not grep { $_ eq $address } @addresses or $seen{"$address $sender"}++;
    print "$address $sender\\n";
  }
}
`

/** Somebody who says to have an address. */
export interface AddressHolder {
  readonly address: string
  /** The MAC address, such as `02:00:00:00:00:05`. */
  readonly mac: string
}

/**
 * Who on the operator's network has the addresses. Takes two seconds, by a port of the bridge that is gone afterwards;
 * should this process die, it goes half a minute later.
 */
export async function findHolders(
  { bridge, namespace }: Pick<BridgeUplink, 'bridge' | 'namespace'>,
  addresses: readonly string[],
): Promise<AddressHolder[]> {
  const port = `berth-d-${randomBytes(3).toString('hex')}`
  return withScratchNamespace(async (exec, pid) => {
    const peer = ['peer', 'name', 'probe', 'netns', String(pid)]
    try {
      await runIp(namespace, [
        ['link', 'add', 'name', port, 'address', bridgePortMac(port), 'type', 'veth', ...peer],
        ['link', 'set', 'dev', port, 'addrgenmode', 'none'],
        ['link', 'set', 'dev', port, 'master', bridge],
        upLine(port),
      ])
      await exec('ip', ['link', 'set', 'dev', 'probe', 'addrgenmode', 'none', 'up'], '')
      const [probe] = JSON.parse(await exec('ip', ['-json', 'link', 'show', 'dev', 'probe'], '')) as Probe[]
      if (probe === undefined) return []
      const words = [String(probe.ifindex), hexadecimal(probe.address), ...addresses.map(addressHex)]
      const answers = await exec('perl', ['-e', PROBER, ...words], '')
      return answers
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [address, mac = ''] = line.split(' ')
          const found = addresses.find((each) => addressHex(each) === address) ?? ''
          return { address: found, mac: mac.replaceAll(/(..)(?=.)/g, '$1:') }
        })
    } finally {
      if (linkOf(await listLinks(namespace), port)) await runIp(namespace, [['link', 'delete', 'dev', port]])
    }
  })
}

interface Probe {
  readonly ifindex: number
  readonly address: string
}

function hexadecimal(mac: string): string {
  return mac.replaceAll(':', '')
}

function addressHex(address: string): string {
  return addressNumber(address).toString(16).padStart(8, '0')
}
