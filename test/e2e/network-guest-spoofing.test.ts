import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MachineSpec } from '../../packages/server/src/drivers/machine-driver.ts'
import { QemuDriver } from '../../packages/server/src/drivers/qemu/qemu-driver.ts'
import { runCommand } from '../../packages/server/src/host/run-command.ts'
import { imageCacheDir } from '../../packages/server/src/images/cache-dir.ts'
import { findImage } from '../../packages/server/src/images/image-store.ts'
import { packInitramfs } from '../../packages/server/src/images/initramfs-archive.ts'
import { guestPort, NetworkBench, policyOf, until } from '../support/network-bench.ts'
import { tempDir } from '../support/temp-dir.ts'

// A real guest, whose web page runs what it is asked to, sends what its address and MAC do not entitle it to.

const bench = new NetworkBench()
const { network, one, inOne, a } = bench
const port = { ...guestPort(20), instanceId: randomUUID() }
let driver: QemuDriver

/** Runs the query string in a shell and answers what it says. */
const PAGE = `#!/bin/busybox sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
eval "$(/bin/busybox httpd -d "$QUERY_STRING")" 2>&1
`

beforeAll(async () => {
  const stateDir = join(await tempDir(), 'state')
  mkdirSync(stateDir)
  for (const path of [dirname(stateDir), stateDir]) chmodSync(path, 0o711)
  await bench.setUp()
  await a.attach(policyOf({ source_cidr: 'any', action: 'allow', application: 'any' }))
  // The relay may ask it for pages, and for an address.
  const relayed = { tcp: [80], udp: [67] }
  await network.ensurePort(one, port, { ...policyOf(), relayed })
  const nft = (...args: string[]) => runCommand('ip', ['netns', 'exec', inOne, 'nft', ...args])
  await nft('add', 'table', 'bridge', 'probe')
  await nft('add', 'chain', 'bridge', 'probe', 'in', '{ type filter hook prerouting priority -200; }')
  await nft(
    'add',
    'rule',
    'bridge',
    'probe',
    'in',
    'iifname',
    port.tap,
    'arp',
    'saddr',
    'ip',
    '10.64.0.6',
    'counter',
  )
  await nft(
    'add',
    'rule',
    'bridge',
    'probe',
    'in',
    'iifname',
    port.tap,
    'udp',
    'dport',
    '{',
    '9,68',
    '}',
    'counter',
  )

  const tiny = await findImage(imageCacheDir(), 'tiny')
  if (tiny?.kernel === undefined || tiny.initrd === undefined) throw new Error('Run: berth image build tiny')
  const page = packInitramfs([
    { path: 'www/cgi-bin/index.cgi', type: 'file', content: Buffer.from(PAGE), executable: true },
  ])
  const initrd = join(stateDir, 'initrd')
  writeFileSync(initrd, Buffer.concat([readFileSync(tiny.initrd), page]))
  chmodSync(initrd, 0o644)
  driver = new QemuDriver({
    installId: bench.installId,
    stateDir,
    cacheDir: join(stateDir, 'cache'),
    accelerator: 'tcg',
    guestUser: 'berth-guest',
  })
  await driver.prepare()
  const spec: MachineSpec = {
    id: port.instanceId,
    vcpus: 1,
    memoryMib: 128,
    diskGib: 1,
    image: { ...tiny, initrd },
    nic: {
      namespace: inOne,
      tap: port.tap,
      mac: port.mac,
      address: `${port.address}/20`,
      gateway: '10.64.0.1',
      nameservers: [],
    },
    identity: { hostname: 'rogue', user: 'root', password: 'x', sshKeys: [] },
  }
  await driver.ensureDisk(spec, false)
  await driver.ensureSeed(spec)
  await driver.ensureRunning(spec, 'note')
  await until('the guest answers', async () => (await inGuest('echo up')).trim() === 'up')
})
afterAll(async () => {
  await driver.remove(port.instanceId)
  await bench.tearDown()
})

/** Runs a shell script in the guest and answers what it says. */
async function inGuest(script: string): Promise<string> {
  const url = `http://${port.address}/cgi-bin/index.cgi?${encodeURIComponent(script)}`
  const page = `fetch(${JSON.stringify(url)}).then((answer) => answer.text()).then(console.log)`
  return runCommand('ip', ['netns', 'exec', inOne, process.execPath, '-e', page])
}

/** ARP in another's name, and datagrams for ports 9 and 68, that got past the guest's port. */
async function passed(): Promise<[arp: number, udp: number]> {
  const text = await runCommand('ip', ['netns', 'exec', inOne, 'nft', 'list', 'table', 'bridge', 'probe'])
  const [arp = 0, udp = 0] = [...text.matchAll(/packets (\d+)/g)].map(([, count]) => Number(count))
  return [arp, udp]
}

async function refused(label: string): Promise<number> {
  const counters = await network.ruleCounters('one', port)
  return counters.find((counter) => counter.label === label)?.packets ?? 0
}

/** The guest's card, and a datagram of its. */
const CARD = `card=$(busybox ls /sys/class/net | busybox grep -v lo)`
const datagram = (to: string, toPort: number) =>
  `busybox timeout 1 busybox tftp -g -r x -l /tmp/x ${to} ${toPort}`

/** A rogue DHCP server (RFC 2131), which answers the question that `discover` asks. */
const DHCP_SERVER = `${CARD}; echo > /tmp/leases
printf 'start 10.64.0.50\\nend 10.64.0.60\\ninterface %s\\nlease_file /tmp/leases\\npidfile /tmp/pid\\nstatic_lease 02:00:00:00:00:77 10.64.0.50\\n' $card > /tmp/conf
busybox udhcpd -f /tmp/conf > /tmp/dhcp 2>&1 < /dev/null &
sleep 1; cat /tmp/dhcp`

/** Asks the guest for an address, as one does whose card has the MAC address 02:00:00:00:00:77. */
async function discover(): Promise<void> {
  const question = Buffer.alloc(300)
  Buffer.from('010106000000002a', 'hex').copy(question)
  Buffer.from('020000000077', 'hex').copy(question, 28)
  Buffer.from('63825363350101ff', 'hex').copy(question, 236)
  const send = `const socket = require('dgram').createSocket('udp4')
    const data = Buffer.from('${question.toString('hex')}', 'hex')
    socket.bind(68, '10.64.0.1', () => socket.send(data, 67, '${port.address}', () => socket.close()))`
  await runCommand('ip', ['netns', 'exec', inOne, process.execPath, '-e', send])
}

test('what it sends as itself arrives', async () => {
  const [, before] = await passed()
  await inGuest(datagram(a.port.address, 9))
  expect((await passed())[1]).toBeGreaterThan(before)
})

test.each([
  [
    'another’s IP address',
    'spoofed address',
    `${CARD}; ip address add 10.64.0.6/32 dev $card; ip route add 10.64.0.1/32 dev $card src 10.64.0.6
     ${datagram('10.64.0.1', 9)}
     ip route delete 10.64.0.1/32 dev $card; ip address delete 10.64.0.6/32 dev $card`,
  ],
  [
    'another’s MAC address',
    'spoofed MAC',
    `${CARD}; ip link set $card address 02:00:00:00:00:06
     ${datagram('10.64.0.1', 9)}
     ip link set $card address ${port.mac}`,
  ],
  [
    'ARP for another’s address',
    'spoofed ARP',
    `${CARD}; ip address add 10.64.0.6/32 dev $card
     busybox arping -A -c 2 -w 2 -I $card -s 10.64.0.6 10.64.0.6
     ip address delete 10.64.0.6/32 dev $card`,
  ],
  ['a metadata service', 'link-local', datagram('169.254.169.254', 9)],
])('is dropped: %s', async (_what, label, script) => {
  const [before, counted] = [await passed(), await refused(label)]
  const said = await inGuest(script)
  await until(`${label} is counted; the guest said: ${said}`, async () => (await refused(label)) > counted)
  expect(await passed()).toEqual(before)
  // It is still there, by its own name.
  expect((await inGuest('echo up')).trim()).toBe('up')
})

test('is dropped: what a DHCP server in the guest offers', async () => {
  const [before, counted] = [await passed(), await refused('DHCP server')]
  const said = await inGuest(DHCP_SERVER)
  await discover()
  await until(`an offer is counted; the guest said: ${said}`, async () => {
    return (await refused('DHCP server')) > counted
  })
  expect(await passed()).toEqual(before)
})
