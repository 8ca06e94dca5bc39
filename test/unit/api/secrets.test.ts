import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { INSTANCES, instanceBody } from '../../support/api-client.ts'
import { filesBelow } from '../../support/files-below.ts'
import { startSimulated } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

const SECRET = 'planted-secret-Zq81'

test('a planted password is in no file that the server writes: database, journals, events, audit', async () => {
  const state = await tempDir()
  const server = await startSimulated(state)
  const { api } = server
  const own = { name: 'My Token', value: SECRET, options: { sensitive: true } }
  await api.call(
    'POST',
    `${INSTANCES}?auto-publish=true`,
    instanceBody('vm-1', [{ name: 'Guest Password', value: SECRET }, own]),
  )
  await api.waitForStatus('vm-1', 'success')
  await api.call('POST', `${INSTANCES}/vm-1/action/stop`)
  await api.waitForStatus('vm-1', 'success')
  const refused = await api.call(
    'POST',
    INSTANCES,
    instanceBody('vm-2', [{ name: 'Guest Password', value: `${SECRET}\n` }]),
  )
  expect(refused.status).toBe(400)
  expect(JSON.stringify(refused.body)).not.toContain(SECRET)
  const read = await api.instance('vm-1')
  expect(JSON.stringify(read.spec)).not.toContain(SECRET)
  for (const path of filesBelow(state)) expect(readFileSync(path).includes(SECRET), path).toBe(false)
  await server.stop()
  for (const path of filesBelow(state)) expect(readFileSync(path).includes(SECRET), path).toBe(false)
})

test('sent back masked, a secret stays; sent anew, it changes; left out, it is gone', async () => {
  const server = await startSimulated(await tempDir())
  const { api } = server
  const passwordAfter = async (variables: { name: string; value?: string }[]) => {
    await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('vm-1', variables))
    const up = await api.waitForStatus('vm-1', 'success')
    return up.status.output['vm']?.tasks['guest']?.['Password']
  }
  const password = (value: string) => ({ name: 'Guest Password', value })
  expect(await passwordAfter([password('first')])).toBe('first')
  expect(await passwordAfter([password('********'), { name: 'Guest CPU Count', value: '1' }])).toBe('first')
  expect(await passwordAfter([password('second')])).toBe('second')
  expect(await passwordAfter([password('')])).toMatch(/^[A-Za-z0-9]{20}$/)
  await server.stop()
})

test('a secret stays one when its client sends the mask back without saying that it is', async () => {
  const state = await tempDir()
  const server = await startSimulated(state)
  const { api } = server
  const secret = { name: 'TOK', value: SECRET, options: { sensitive: true } }
  await api.call('POST', INSTANCES, instanceBody('vm-1', [secret]))
  const again = await api.call('POST', INSTANCES, instanceBody('vm-1', [{ name: 'TOK', value: '********' }]))
  expect(again.body.spec.variables.at(-1)).toMatchObject({
    name: 'TOK',
    value: '********',
    options: { sensitive: true },
  })
  await api.call('POST', INSTANCES, instanceBody('vm-1', [{ name: 'TOK', value: 'plain' }]))
  const sealed = await api.call('POST', INSTANCES, instanceBody('vm-1', [{ ...secret, value: 'plain' }]))
  expect(sealed.body.spec.variables.at(-1)).toMatchObject({ name: 'TOK', value: '********' })
  await server.stop()
  for (const path of filesBelow(state)) expect(readFileSync(path).includes(SECRET), path).toBe(false)
})
