import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { type ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

// What tenants read of the ways to a guest where packets are routed to it.

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  const settings = {
    uplink: 'bridge',
    uplinkBridge: 'wan',
    uplinkGateway: '203.0.113.1/24',
    edgeAddress: '203.0.113.10',
    publicPool: '203.0.113.16/31',
  } as const
  server = await startSimulated(await tempDir(), {}, settings)
  api = server.api
})
afterAll(() => server.stop())

const outputOf = ({ status }: ComputeInstance) => status.output['vm']?.tasks['guest'] ?? {}

test('SSH is at the public address, else at a forward’s place, else nowhere that a tenant could reach', async () => {
  const deploy = async (name: string, variables: { name: string; value: string }[]) => {
    await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name, variables))
    return outputOf(await api.waitForStatus(name, 'success'))
  }
  const atPublic = await deploy('public', [{ name: 'Assign Public IP to Guest', value: 'True' }])
  expect(atPublic['Public IP']).toMatch(/^203\.0\.113\.1[67]$/)
  expect(atPublic).toMatchObject({ ServerHost: atPublic['Public IP'], Port: '22' })

  const wanted = [
    { source: '198.51.100.0/24', application: 'web', internal_port: 80 },
    { source: 'any', internal_port: 22 },
  ]
  const forwarded = await deploy('forwarded', [{ name: 'Port Forwards', value: JSON.stringify(wanted) }])
  expect(forwarded).toMatchObject({ ServerHost: '203.0.113.10', 'Public IP': '' })
  expect(forwarded['Port Forwards']?.split('\n')).toEqual([
    expect.stringMatching(/^web tcp 203\.0\.113\.10:3\d{4} -> 80 from 198\.51\.100\.0\/24$/),
    `tcp 203.0.113.10:${forwarded['Port']} -> 22 from any`,
  ])

  expect(await deploy('closed', [])).toMatchObject({ ServerHost: '', Port: '' })
})

test('a pool that has become too small for the addresses that instances hold is refused at the start', async () => {
  const state = await tempDir()
  const first = await startSimulated(state, {}, { publicPool: '127.65.0.0/30' })
  for (const name of ['one', 'two']) {
    const body = instanceBody(name, [{ name: 'Assign Public IP to Guest', value: 'True' }])
    await first.api.call('POST', `${INSTANCES}?auto-publish=true`, body)
    await first.api.waitForStatus(name, 'success')
  }
  await first.stop()
  await expect(startSimulated(state, {}, { publicPool: '127.65.0.0/32' })).rejects.toThrow(
    /^publicPool: 127\.65\.0\.0\/32 has 1 address, and instances hold some beyond its end: defaultproject\/default\/(one|two)/,
  )
})
