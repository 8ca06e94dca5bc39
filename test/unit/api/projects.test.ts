import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

test('projects are listed in the hub’s shape and in the auth service’s, without the catalogue', async () => {
  const hub = await api.call('GET', '/apis/system.k8smgmt.io/v3/projects?limit=100')
  expect(hub.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual([
    'defaultproject',
  ])
  const one = await api.call('GET', '/apis/system.k8smgmt.io/v3/projects/defaultproject')
  const { id } = one.body.status.extra.data
  expect(id).toMatch(/^[0-9a-z]{7}$/)
  const headers = { 'x-api-key': '', 'X-RAFAY-API-KEYID': api.key }
  const auth = await api.call(
    'GET',
    '/auth/v1/projects/?limit=48&offset=0&order=ASC&orderby=name&q=default',
    undefined,
    headers,
  )
  expect(auth.body).toMatchObject({ count: 1, next: null, previous: null })
  expect(auth.body.results[0]).toMatchObject({ id, name: 'defaultproject', default: true })
  const none = await api.call('GET', '/auth/v1/projects/?q=%25')
  expect(none.body.results).toEqual([])
})

test('the catalogue carries the guide’s names and those that clients filter on', async () => {
  const list = async (kind: string) => {
    const { body } = await api.call('GET', `${kind}?limit=1000`)
    return (body.items as { metadata: { name: string } }[]).map((item) => item.metadata.name)
  }
  expect(await list('computeprofiles')).toEqual(
    expect.arrayContaining([
      '1gpu-vm',
      'no-gpu-vm',
      'h200-1gpu-vm',
      'h200-2gpu-vm',
      'h200-4gpu-vm',
      'h200-8gpu-vm',
      'a40-1gpu-vm',
      'a40-2gpu-vm',
      'a40-4gpu-vm',
    ]),
  )
  expect(
    (await api.call('GET', 'computeprofiles/1gpu-vm?systemCatalog=true')).body.metadata.displayName,
  ).toBe('1 x H200 GPU VM')
})
