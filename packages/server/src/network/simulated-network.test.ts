import { expect, test } from 'vitest'
import type { Forward, NetworkDriver } from './network-driver.ts'
import { SimulatedNetwork } from './simulated-network.ts'

const network: NetworkDriver = new SimulatedNetwork()

test('a forward has a made-up place that is the same each time, and leaves nothing behind', async () => {
  const wanted = (id: string): Forward => ({
    id,
    networkKey: 'p1',
    protocol: 'tcp',
    listen: { address: '127.0.0.1', port: 0 },
    target: { address: '10.64.0.5', port: 22 },
    gate: null,
  })
  const place = await network.ensureForward(wanted('a/ssh'))
  expect(place.address).toBe('127.0.0.1')
  expect(place.port).toBeGreaterThanOrEqual(20_000)
  expect(place.port).toBeLessThanOrEqual(29_999)
  expect(await new SimulatedNetwork().ensureForward(wanted('a/ssh'))).toEqual(place)
  expect(await network.ensureForward(wanted('b/ssh'))).not.toEqual(place)
  expect(network.namespaceOf('p1')).toBeNull()
  expect(await network.census()).toEqual([])
})
