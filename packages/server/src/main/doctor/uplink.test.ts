import { expect, test } from 'vitest'
import type { BridgeUplink } from '../../network/bridge-uplink.ts'
import type { NetworkLink } from '../../network/namespace-look.ts'
import { loadConfig } from '../config.ts'
import { judgeUplink, uplinkFindings, type UplinkFacts } from './uplink.ts'

const config = { publicPool: '203.0.113.16/28', guestNetwork: '10.64.0.0/20' }
const uplink: BridgeUplink = {
  bridge: 'wan',
  namespace: null,
  gateway: '203.0.113.1/24',
  edgeAddress: '203.0.113.10',
  guestEgress: true,
}
const wan: NetworkLink = { ifname: 'wan', flags: ['UP'], linkinfo: { info_kind: 'bridge' } }
const nic: NetworkLink = { ifname: 'eth1', flags: ['UP'], master: 'wan' }
const berths: NetworkLink = { ifname: 'berth-abc123', flags: ['UP'], master: 'wan' }
const facts = (change: Partial<UplinkFacts> = {}): UplinkFacts => ({
  links: [wan, nic],
  addresses: ['127.0.0.1', '203.0.113.2'],
  filtersBridges: false,
  ...change,
})

test('an uplink that will do is told in one line', () => {
  expect(judgeUplink(config, uplink, facts())).toEqual([
    {
      what: 'Uplink',
      state: 'ok',
      detail: 'bridge wan: 203.0.113.16/28 and 203.0.113.10, by 203.0.113.1/24',
    },
  ])
})

test.each([
  ['no bridge', { links: [nic] }, 'missing', 'ip link add name wan type bridge'],
  [
    'a device that is no bridge',
    { links: [{ ...wan, linkinfo: {} }] },
    'missing',
    'Make a bridge, put wan into it',
  ],
  ['a bridge that is down', { links: [{ ...wan, flags: [] }, nic] }, 'missing', 'ip link set dev wan up'],
  ['a bridge that leads nowhere', { links: [wan, berths] }, 'warning', 'ip link set dev DEVICE master wan'],
  ['a firewall on bridges', { filtersBridges: true }, 'warning', 'bridge-nf-call-iptables=0'],
  ['a public address of the host’s own', { addresses: ['203.0.113.31'] }, 'missing', 'another address'],
  ['the edge address as the host’s own', { addresses: ['203.0.113.10'] }, 'missing', 'another edgeAddress'],
  ['a guest’s address as the host’s own', { addresses: ['10.64.0.9'] }, 'warning', 'guestNetwork'],
] as const)('%s is found, with a remedy', (_what, change, state, remedy) => {
  const [finding, ...others] = judgeUplink(config, uplink, facts(change))
  expect(others).toEqual([])
  expect(finding).toMatchObject({ what: 'Uplink', state })
  expect(finding?.remedy).toContain(remedy)
})

test('a remedy for a bridge of another namespace works there', () => {
  const [finding] = judgeUplink(config, { ...uplink, namespace: 'edge' }, facts({ links: [] }))
  expect(finding?.remedy).toBe('ip -n edge link add name wan type bridge')
})

test('without a bridge there is nothing to look at, and settings that do not fit are refused', async () => {
  expect(await uplinkFindings(loadConfig({}, {}))).toMatchObject([{ state: 'ok' }])
  await expect(uplinkFindings(loadConfig({ uplink: 'bridge' }, {}))).rejects.toThrow(/^uplinkBridge: /)
})
