import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, SERVICES, serviceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir(), {}, { registries: 'docker.io, Registry.example:5000' })
  api = server.api
})
afterAll(() => server.stop())

const notebook = (value: string | object) => ({
  name: 'Jupyter Notebook Config',
  value: typeof value === 'string' ? value : JSON.stringify(value),
})
const inference = (members: object) => ({
  name: 'Inference Config',
  value: JSON.stringify({ Inference_model: 'org/model', ...members }),
})

test.each([
  ['JSON', [notebook('{"a":')], 'Jupyter Notebook Config', 'JSON'],
  ['an object', [notebook('[]')], 'Jupyter Notebook Config', 'JSON'],
  [
    'a port',
    [notebook({ Jupyter_Notebook_Nginx_Port: 'https' })],
    'Jupyter Notebook Config.Jupyter_Notebook_Nginx_Port',
    '1 to 65535',
  ],
  [
    'a hostname of one line',
    [notebook({ Jupyter_Notebook_Hostname: 'a\nb' })],
    'Jupyter Notebook Config.Jupyter_Notebook_Hostname',
    'one line',
  ],
  [
    'an image without shell characters',
    [notebook({ Jupyter_Notebook_Image: 'jupyter/$(reboot)' })],
    'Jupyter Notebook Config.Jupyter_Notebook_Image',
    'character',
  ],
  [
    'an image of a known registry',
    [notebook({ Jupyter_Notebook_Image: 'evil.example/jupyter:latest' })],
    'Jupyter Notebook Config.Jupyter_Notebook_Image',
    'images from evil.example are not allowed here; allowed are those from docker.io, registry.example:5000',
  ],
  [
    'an allowed image though the application is off',
    [notebook({ Jupyter_Notebook_Enabled: 'False', Jupyter_Notebook_Image: 'evil.example/jupyter' })],
    'Jupyter Notebook Config.Jupyter_Notebook_Image',
    'not allowed',
  ],
  ['truth', [{ name: 'Certificate Handling', value: 'perhaps' }], 'Certificate Handling', 'True'],
])('a notebook has to be given %s', async (_what, variables, field, words) => {
  const refused = await api.call('POST', `${SERVICES}?auto-publish=true`, serviceBody('nb', variables))
  expect(refused).toMatchObject({ status: 400, body: { field } })
  expect(refused.body.message).toContain(words)
  expect((await api.call('GET', SERVICES)).body.metadata.count).toBe(0)
})

test.each([
  ['a known dtype', { Inference_dtype: 'float65' }, 'Inference_dtype'],
  ['a dtype that vLLM has', { Inference_dtype: 'int4' }, 'Inference_dtype'],
  ['a share of the memory', { Inference_gpu_memory_util: 1.5 }, 'Inference_gpu_memory_util'],
  ['a model', { Inference_model: '' }, 'Inference_model'],
])('an inference endpoint has to be given %s', async (_what, members, member) => {
  const body = serviceBody('llm', [inference(members)], 'vmaas-inference')
  const refused = await api.call('POST', SERVICES, body)
  expect(refused).toMatchObject({ status: 400, body: { field: `Inference Config.${member}` } })
  expect((await api.call('GET', SERVICES)).body.metadata.count).toBe(0)
})

test('a bad change to a service leaves it as it was', async () => {
  await api.call('POST', SERVICES, serviceBody('kept', [notebook({ Jupyter_Notebook_Token: 'token1' })]))
  const before = await api.service('kept')
  const bad = serviceBody('kept', [notebook({ Jupyter_Notebook_Nginx_Port: 0 })])
  expect((await api.call('POST', SERVICES, bad)).status).toBe(400)
  expect(await api.service('kept')).toEqual(before)
  await api.call('DELETE', `${SERVICES}/kept`)
})

test('a service names a service profile, and is called one', async () => {
  const wrong = serviceBody('nb', [], 'no-gpu-vm')
  const refused = await api.call('POST', SERVICES, wrong)
  expect(refused).toMatchObject({ status: 400, body: { field: 'spec.serviceProfile.name' } })
  expect(refused.body.message).toContain('there is no service profile "no-gpu-vm"')
  const kind = await api.call('POST', SERVICES, { ...wrong, kind: 'ComputeInstance' })
  expect(kind).toMatchObject({ status: 400, body: { field: 'kind' } })
})

test('an action that does not fit a service’s state says what does', async () => {
  await api.call('POST', SERVICES, serviceBody('idle'))
  const refused = await api.call('POST', `${SERVICES}/idle/action/start`)
  expect(refused).toMatchObject({ status: 409, body: { reason: 'Conflict' } })
  expect(refused.body.message).toMatch(/^Service "idle" is not_deployed and cannot start\./)
})

test('a profile cannot keep a secret in a member either', async () => {
  const profile = {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ServiceProfile',
    metadata: { name: 'leaky' },
    spec: {
      variables: [
        {
          name: 'Extra',
          value: '{"pass":"planted"}',
          options: { schema: { jsonschema: { properties: { pass: { sensitive: true } } } } },
        },
      ],
    },
  }
  expect(await api.call('POST', 'serviceprofiles', profile)).toMatchObject({
    status: 400,
    body: { field: 'Extra' },
  })
})
