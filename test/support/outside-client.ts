import { runCommand } from '../../packages/server/src/host/run-command.ts'

/** Prints what came back for each datagram that was sent to `address:port`s, `silence` where nothing did. */
const UDP_CLIENT = `
const [deadline, ...targets] = process.argv.slice(1)
const attempts = targets.map((target) => new Promise((done) => {
  const [host, port] = target.split(':')
  const socket = require('dgram').createSocket('udp4')
  const finish = (text) => { clearTimeout(timer); socket.close(); done(text) }
  const timer = setTimeout(() => finish('silence'), Number(deadline))
  socket.on('message', (data) => finish(data.toString().trim()))
  socket.on('error', (error) => finish(error.code))
  socket.send('hello', Number(port), host)
}))
Promise.all(attempts).then((results) => console.log(JSON.stringify(results)))
`

/** What came back from each `address:port` for one UDP datagram. */
export async function ask(namespace: string, targets: readonly string[], deadline = 1000): Promise<string[]> {
  const node = [process.execPath, '-e', UDP_CLIENT, '--', String(deadline), ...targets]
  return JSON.parse(await runCommand('ip', ['netns', 'exec', namespace, ...node])) as string[]
}

/** Asks every `address:port` of argv for its page by HTTP, and prints the pages, `silence` or an error's code. */
const BROWSER = `
const [deadline, ...targets] = process.argv.slice(1)
const pages = targets.map((target) => new Promise((done) => {
  const asked = require('http').get('http://' + target, { agent: false }, (answer) => {
    let page = ''
    answer.on('data', (data) => (page += data))
    answer.on('end', () => finish(page))
  })
  const finish = (text) => { clearTimeout(timer); asked.destroy(); done(text) }
  const timer = setTimeout(() => finish('silence'), Number(deadline))
  asked.on('error', (error) => finish(error.code))
}))
Promise.all(pages).then((results) => console.log(JSON.stringify(results)))
`

/** The page that each `address:port` serves by HTTP, `silence`, or an error code. */
export async function browse(
  namespace: string,
  targets: readonly string[],
  deadline = 1500,
): Promise<string[]> {
  const node = [process.execPath, '-e', BROWSER, '--', String(deadline), ...targets]
  return JSON.parse(await runCommand('ip', ['netns', 'exec', namespace, ...node])) as string[]
}

/** Sends one ICMP echo request (RFC 792) and says whether it was answered. Debian's base has Perl, but no ping. */
const PINGER = `
use Socket;
my ($address, $seconds) = @ARGV;
socket(my $socket, AF_INET, SOCK_RAW, 1) or die $!;
my $sum = 0xffff - (0x0800 + 0x2a2a + 1);
send($socket, pack('C2n3', 8, 0, $sum, 0x2a2a, 1), 0, sockaddr_in(0, inet_aton($address))) or die $!;
my $end = time + $seconds;
while (time <= $end) {
  my $bits = ''; vec($bits, fileno($socket), 1) = 1;
  next unless select($bits, undef, undef, 0.2);
  recv($socket, my $packet, 1500, 0);
  my ($type, undef, undef, $id) = unpack('C2n2', substr($packet, 20));
  if ($type == 0 && $id == 0x2a2a) { print 'answered'; exit }
}
print 'silence';
`

/** Whether an echo request is answered within about a second. */
export async function ping(namespace: string, address: string): Promise<boolean> {
  const perl = ['perl', '-e', PINGER, address, '0']
  return (await runCommand('ip', ['netns', 'exec', namespace, ...perl])) === 'answered'
}

/**
 * A host beyond a project's network, in a namespace of its own: a cable leads from it into the project's
 * namespace, which routes between it and the guests, as it would for whoever comes in by an uplink.
 */
export class OutsideClient {
  readonly namespace: string
  readonly addresses: string
  readonly #project: string
  readonly #gateway: string
  readonly #device: string

  /** @param addresses one address, or a network all of whose addresses are the client's */
  constructor(namespace: string, project: string, gateway: string, device: string, addresses: string) {
    this.namespace = namespace
    this.addresses = addresses
    this.#project = project
    this.#gateway = gateway.split('/')[0] ?? ''
    this.#device = device
  }

  async start(): Promise<void> {
    const inside = (...args: string[]) => runCommand('ip', ['-n', this.namespace, ...args])
    const project = (...args: string[]) => runCommand('ip', ['-n', this.#project, ...args])
    await runCommand('ip', ['netns', 'add', this.namespace])
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespace]
    await project('link', 'add', 'name', this.#device, ...peer)
    await inside('link', 'set', 'dev', 'lo', 'up')
    await inside('link', 'set', 'dev', 'eth0', 'up')
    await project('link', 'set', 'dev', this.#device, 'up')
    await inside('route', 'add', 'local', this.addresses, 'dev', 'lo')
    const first = this.addresses.split('/')[0] ?? ''
    if (!this.addresses.includes('/')) await inside('address', 'add', `${first}/32`, 'dev', 'eth0')
    await inside('route', 'add', this.#gateway, 'dev', 'eth0', 'src', first)
    await inside('route', 'add', 'default', 'via', this.#gateway, 'dev', 'eth0', 'src', first)
    await project('route', 'add', this.addresses, 'dev', this.#device)
  }

  async stop(): Promise<void> {
    await runCommand('ip', ['netns', 'delete', this.namespace]).catch(() => {})
  }
}
