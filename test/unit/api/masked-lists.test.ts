import { LOOPBACK_REACH } from '@berth/contract/network-reach'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECTS_PATH } from '@berth/contract/api-version'
import { expect, test, vi } from 'vitest'
import { createHttpServer } from '../../../packages/server/src/api/http-server.ts'
import { ensureSecretKey } from '../../../packages/server/src/auth/bootstrap.ts'
import { SecretBox } from '../../../packages/server/src/store/secret-box.ts'
import { Store } from '../../../packages/server/src/store/store.ts'
import { INSTANCES, instanceBody, SERVICES, serviceBody } from '../../support/api-client.ts'
import { startSimulated } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MASK = '********'
const BLOB = 'AAAAC3NzaC1lZDI1NTE5AAAAIJ0kJ3cGbAZgFf8iSNVLFkpbCNDaLYyz5pl2Nz5dfKfG'
const KEY = [{ name: 'SSH Public Keys', value: `ssh-ed25519 ${BLOB} me` }]

/** What the lists say of how to get into each object, in text. */
async function outputs(state: string): Promise<string> {
  const server = await startSimulated(state)
  const lists = [INSTANCES, SERVICES].map(async (path) => (await server.api.call('GET', path)).body.items)
  const items = (await Promise.all(lists)).flat() as { status: { output: unknown } }[]
  await server.stop()
  return JSON.stringify(items.map(({ status }) => status.output))
}

/** The same by the API alone, without a reconciler, which opens secrets for its own work; and how many were opened. */
async function outputsOfApi(state: string) {
  const open = vi.spyOn(SecretBox.prototype, 'open')
  const store = await Store.open(join(state, 'berth.db'))
  const app = await createHttpServer({
    store,
    secretBox: new SecretBox(ensureSecretKey(state)),
    datacenter: 'local',
    reach: LOOPBACK_REACH,
    registries: ['docker.io'],
    version: 'test',
    certificateRoot: '',
    notReady: () => null,
  })
  const headers = { 'x-api-key': readFileSync(join(state, 'admin.key'), 'utf8').trim() }
  const listed: { status: { output: unknown } }[] = []
  for (const path of [INSTANCES, SERVICES]) {
    const url = `${PROJECTS_PATH}/defaultproject/${path}`
    listed.push(...(await app.inject({ url, headers })).json().items)
  }
  await app.close()
  await store.close()
  const opened = open.mock.calls.length
  open.mockRestore()
  return { opened, text: JSON.stringify(listed.map(({ status }) => status.output)) }
}

test('a list tells what has a password without opening a secret, of what an older Berth published too', async () => {
  const state = await tempDir()
  const first = await startSimulated(state)
  await first.api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('with-password'))
  await first.api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('with-key', KEY))
  await first.api.call('POST', `${SERVICES}?auto-publish=true`, serviceBody('notebook'))
  const output = async (name: string) => (await first.api.waitForStatus(name, 'success')).status.output
  const clear = await output('with-password')
  expect(clear['vm']?.tasks['guest']?.['Password']).toMatch(/^\w{20}$/)
  expect((await output('with-key'))['vm']?.tasks['guest']?.['Password']).toBe('')
  await first.api.waitForService('notebook', 'success')
  await first.stop()

  const before = await outputs(state)
  expect(before.match(/"Password":"\*{8}"/g)).toHaveLength(1)
  expect(before.match(/"Password":""/g)).toHaveLength(1)
  expect(before).toContain(`"Token":{"value":"${MASK}"}`)
  expect(await outputsOfApi(state)).toEqual({ opened: 0, text: before })

  const store = await Store.open(join(state, 'berth.db'))
  await store.db.updateTable('compute_instances').set({ shown_settings: null }).execute()
  await store.close()
  expect(await outputsOfApi(state)).toMatchObject({ text: before })
  expect(await outputs(state)).toBe(before)
  expect(await outputsOfApi(state)).toEqual({ opened: 0, text: before })
})
