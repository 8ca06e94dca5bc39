import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiClient, SERVICES, serviceBody } from '../../support/api-client.ts'
import { filesBelow } from '../../support/files-below.ts'
import { makeReaderKey } from '../../support/reader-key.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

const TOKEN = 'planted-token-Zq81'
const PASSWORD = 'planted-password-Xk72'

let server: SimulatedServer
let api: ApiClient

beforeEach(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterEach(() => server.stop())

const notebook = (members: object) => ({ name: 'Jupyter Notebook Config', value: JSON.stringify(members) })

async function apply(variables: { name: string; value: string }[], publish = true) {
  const flag = publish ? '?auto-publish=true' : ''
  return api.call('POST', `${SERVICES}${flag}`, serviceBody('nb', variables))
}

/** A service's configuration as it reads back. */
function configOf(body: { spec: { variables?: { name: string; value?: string }[] } }) {
  const found = body.spec.variables?.find(({ name }) => name === 'Jupyter Notebook Config')
  return JSON.parse(found?.value ?? 'null') as unknown
}

async function tokenOf(client = api): Promise<string | undefined> {
  return (await client.service('nb')).status.output['notebook']?.tasks['application']?.['Token']?.value
}

test('planted secrets are in no file that the server writes, and in no answer but one', async () => {
  const applied = await apply([
    notebook({ Jupyter_Notebook_Token: TOKEN, Jupyter_Notebook_Nginx_Port: 8443 }),
    { name: 'Guest Password', value: PASSWORD },
  ])
  const up = await api.waitForService('nb', 'success')
  const reader = new ApiClient(api.url, await makeReaderKey(server.state))
  const answers = [
    applied.body,
    (await api.call('GET', SERVICES)).body,
    (await api.call('POST', `${SERVICES}/nb/publish`)).body,
    await reader.service('nb'),
    up.spec,
  ]
  for (const answer of answers) expect(JSON.stringify(answer)).not.toMatch(/planted/)
  expect(configOf(up)).toEqual({ Jupyter_Notebook_Token: '********', Jupyter_Notebook_Nginx_Port: 8443 })
  expect(await tokenOf(reader)).toBe('********')
  expect(await tokenOf()).toBe(TOKEN)
  const stopping = await api.call('POST', `${SERVICES}/nb/action/stop`)
  expect(JSON.stringify(stopping.body)).not.toMatch(/planted/)
  await api.waitForService('nb', 'success')
  const check = () => {
    for (const path of filesBelow(server.state)) {
      expect(readFileSync(path).includes('planted'), path).toBe(false)
    }
  }
  check()
  await server.stop()
  check()
  server = await startSimulated(server.state)
  api = server.api
  expect(await tokenOf()).toBe(TOKEN)
})

test('a token that is made up is in the database as little', async () => {
  await apply([])
  await api.waitForService('nb', 'success')
  const token = (await tokenOf()) ?? ''
  expect(token).toMatch(/^[A-Za-z0-9]{40}$/)
  const holders = filesBelow(server.state).filter((path) => readFileSync(path).includes(token))
  expect(holders).toEqual([])
})

test('a service that was read and sent back changes nothing, nor does a reader’s view of it', async () => {
  await apply([notebook({ Jupyter_Notebook_Token: TOKEN })])
  const up = await api.waitForService('nb', 'success')
  const sent = await api.call('POST', `${SERVICES}?auto-publish=true`, up)
  expect(sent.status).toBe(200)
  expect(await api.service('nb')).toEqual(up)
  const reader = new ApiClient(api.url, await makeReaderKey(server.state))
  await api.call('POST', SERVICES, await reader.service('nb'))
  expect(await api.service('nb')).toEqual(up)
})

test('sent back masked beside a change, the token stays; sent anew, it changes; left out, it is made up', async () => {
  const tokenAfter = async (members: object) => {
    expect(await apply([notebook(members)])).toMatchObject({ status: 200 })
    await api.waitForService('nb', 'success')
    return tokenOf()
  }
  expect(await tokenAfter({ Jupyter_Notebook_Token: 'first' })).toBe('first')
  const masked = { Jupyter_Notebook_Token: '********', Jupyter_Notebook_Nginx_Port: '8443' }
  expect(await tokenAfter(masked)).toBe('first')
  const up = await api.service('nb')
  expect(configOf(up)).toEqual(masked)
  expect(await tokenAfter({ Jupyter_Notebook_Token: 'second' })).toBe('second')
  expect(await tokenAfter({})).toMatch(/^[A-Za-z0-9]{40}$/)
})

test('a mask where no secret is stored is refused, and stores nothing', async () => {
  const refused = await apply([notebook({ Jupyter_Notebook_Token: '********' })])
  expect(refused).toMatchObject({
    status: 400,
    body: { field: 'Jupyter Notebook Config.Jupyter_Notebook_Token' },
  })
  expect((await api.call('GET', SERVICES)).body.metadata.count).toBe(0)
})

test('a service’s own JSON variable may have secret members too', async () => {
  const own = {
    name: 'Extra',
    value: JSON.stringify({ user: 'me', pass: TOKEN }),
    options: { schema: { jsonschema: { properties: { pass: { sensitive: true } } } } },
  }
  const applied = await apply([own], false)
  const read = (body: typeof applied.body) =>
    body.spec.variables.find((variable: { name: string }) => variable.name === 'Extra').value
  expect(read(applied.body)).toBe('{"user":"me","pass":"********"}')
  const { options: _, ...without } = own
  const again = await apply([{ ...without, value: '{"user":"you","pass":"********"}' }], false)
  expect(read(again.body)).toBe('{"user":"you","pass":"********"}')
  const unreadable = await apply([{ ...own, value: `{"pass":"${TOKEN}"` }], false)
  expect(unreadable).toMatchObject({ status: 400, body: { field: 'Extra' } })
  for (const path of filesBelow(server.state)) expect(readFileSync(path).includes(TOKEN), path).toBe(false)
})

test('a mask is refused where the profile has ceased to call it a secret, and stores nothing', async () => {
  const profile = (sensitive: boolean) => ({
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ServiceProfile',
    metadata: { name: 'mine' },
    spec: {
      variables: [
        { name: 'Extra', options: { schema: { jsonschema: { properties: { pass: { sensitive } } } } } },
        {
          name: 'Config',
          options: {
            meaning: 'applicationConfig',
            schema: {
              jsonschema: { type: 'object', properties: { Image: { type: 'string', default: 'me/it' } } },
            },
          },
        },
      ],
      application: {
        image: { member: 'Image' },
        containerPort: 8000,
        health: { path: '/', statuses: [200], timeoutSeconds: 60 },
      },
    },
  })
  const body = serviceBody('nb', [{ name: 'Extra', value: '{"pass":"word"}' }], 'mine')
  const own = { ...body, spec: { ...body.spec, serviceProfile: { name: 'mine' } } }
  await api.call('POST', 'serviceprofiles', profile(true))
  const masked = (await api.call('POST', SERVICES, own)).body
  expect(masked.spec.variables[0].value).toBe('{"pass":"********"}')
  await api.call('POST', 'serviceprofiles', profile(false))
  expect(await api.call('POST', SERVICES, masked)).toMatchObject({
    status: 400,
    body: { field: 'Extra.pass', message: expect.stringContaining('keeps a secret only where it is one') },
  })
  expect((await api.service('nb')).spec.variables?.[0]?.value).toBe('{"pass":"********"}')
})

test('a secret is made up for a member of any name', async () => {
  const properties = {
    Image: { type: 'string', default: 'org/image' },
    constructor: { type: 'string', sensitive: true, generate: true },
  }
  const profile = {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ServiceProfile',
    metadata: { name: 'mine' },
    spec: {
      variables: [
        {
          name: 'Config',
          options: { meaning: 'applicationConfig', schema: { jsonschema: { type: 'object', properties } } },
        },
      ],
      application: {
        image: { member: 'Image' },
        containerPort: 8000,
        health: { path: '/', statuses: [200], timeoutSeconds: 60 },
        secretEnvironment: { TOKEN: { member: 'constructor' } },
        outputs: [{ key: 'Token', member: 'constructor' }],
      },
    },
  }
  expect((await api.call('POST', 'serviceprofiles', profile)).status).toBe(200)
  // Given at first, then left out: what was published before has no value that was made up.
  for (const variables of [[{ name: 'Config', value: '{"constructor":"given"}' }], []]) {
    const body = serviceBody('nb', variables, 'mine')
    const own = { ...body, spec: { ...body.spec, serviceProfile: { name: 'mine' } } }
    expect((await api.call('POST', `${SERVICES}?auto-publish=true`, own)).status).toBe(200)
  }
  const { output } = (await api.waitForService('nb', 'success')).status
  expect(JSON.stringify(output)).toMatch(/"Token":[^}]*"[A-Za-z2-9]{40}"/)
})

test('a name that all but means a secret of the profile is refused, naming the right one', async () => {
  for (const name of ['jupyter notebookConfig', 'Inference Config']) {
    const value = JSON.stringify({ Jupyter_Notebook_Token: TOKEN })
    expect(await apply([{ name, value }], false)).toMatchObject({
      status: 400,
      body: { field: name, message: expect.stringContaining('"Jupyter Notebook Config"') },
    })
  }
  expect(await apply([{ name: 'Notebook Notes', value: 'mine' }], false)).toMatchObject({ status: 200 })
})

test('an application that prints its token as it ends does not tell it to whoever reads the reason', async () => {
  await server.stop()
  const failures = [{ instance: 'nb', at: 'application' as const, message: `bad url ?token=${TOKEN}` }]
  server = await startSimulated(await tempDir(), { failures })
  api = server.api
  await apply([notebook({ Jupyter_Notebook_Token: TOKEN })])
  const { status } = await api.waitForService('nb', 'failed')
  expect(status.reason).toContain('bad url ?token=********')
  for (const path of filesBelow(server.state)) expect(readFileSync(path).includes(TOKEN), path).toBe(false)
})
