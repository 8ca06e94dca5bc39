import { addressNumber } from './address-set.ts'

/**
 * Sends ARP requests for addresses out of a device, each three times in a second, and prints who answers for them until
 * half a second later, or only until somebody has where `first` is asked for. The requests are RFC 5227's probes:
 * whoever hears them learns nothing, since they name no sender. `to` is the MAC address that they go to, in
 * hexadecimal. The ioctls are those of netdevice(7) for a device's index and address. Perl for the reason that
 * announce-address.ts tells.
 */
export const PROBER = `
my ($device, $to, $until, @addresses) = @ARGV;
my %seen;
socket(my $socket, 17, 3, unpack('S', pack('n', 0x0806))) or die "socket: $!";
my ($name, $hardware) = (pack('a16x24', $device)) x 2;
ioctl($socket, 0x8933, $name) or die "$device: $!";
ioctl($socket, 0x8927, $hardware) or die "$device: $!";
my ($index, $mac) = (unpack('x16i', $name), unpack('x18H12', $hardware));
my $place = sub { pack('SnlSCCa8', 17, 0x0806, $index, 0, 0, 6, $_[0]) };
bind($socket, $place->('')) or die "bind: $!";
for (1 .. 3) {
  for (@addresses) {
    my $arp = pack('nnCCnH12H8H12H8', 1, 0x0800, 6, 4, 1, $mac, '', '', $_);
    my $frame = pack('H12H12n', $to, $mac, 0x0806) . $arp . "\\0" x 18;
    send($socket, $frame, 0, $place->(pack('H12', $to))) or die "send: $!";
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
    exit if $until eq 'first';
  }
}
`

/** An address as the prober takes and prints it. */
export function addressHex(address: string): string {
  return addressNumber(address).toString(16).padStart(8, '0')
}

/** A MAC address that it prints, as people write it. */
export function macText(hexadecimal: string): string {
  return hexadecimal.replaceAll(/(..)(?=.)/g, '$1:')
}
