import { expect, test } from 'vitest'
import type { BridgeUplink } from '../../network/bridge-uplink.ts'
import { judgeHolders } from './uplink-probe.ts'

const uplink: BridgeUplink = {
  bridge: 'wan',
  namespace: null,
  gateway: '203.0.113.1/24',
  edgeAddress: '203.0.113.10',
  guestEgress: true,
}
const OWN = '02:00:00:00:00:01'
const OTHER = '3c:ec:ef:00:00:02'
const gateway = { address: '203.0.113.1', mac: OTHER }

test('a gateway that answers, and addresses that nobody else has, are fine', () => {
  const fine = [{ what: 'Public network', state: 'ok' }]
  expect(judgeHolders(uplink, [gateway], null)).toMatchObject(fine)
  expect(judgeHolders(uplink, [gateway, { address: '203.0.113.10', mac: OWN }], OWN)).toMatchObject(fine)
})

test.each([
  ['203.0.113.10', 'edgeAddress'],
  ['203.0.113.17', 'publicPool'],
])('%s in use by another is found, with the setting', (address, setting) => {
  for (const own of [null, OWN])
    expect(judgeHolders(uplink, [gateway, { address, mac: OTHER }], own)).toEqual([
      {
        what: 'Public network',
        state: 'missing',
        detail: `${address}, of ${setting}, is in use by ${OTHER}`,
        remedy: `Find the device with that MAC address and give it another address, or configure another ${setting}.`,
      },
    ])
})

test('a gateway that does not answer is a warning: it may only be down', () => {
  const [finding, ...others] = judgeHolders(uplink, [], OWN)
  expect(others).toEqual([])
  expect(finding).toMatchObject({
    state: 'warning',
    detail: 'the gateway 203.0.113.1 does not answer ARP on wan',
  })
  expect(finding?.remedy).toContain('uplinkGateway')
})
