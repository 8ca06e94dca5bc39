import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody, serviceBody, SERVICES } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

/** Applies an instance and gives its warnings, which must be the same in the body, the headers and a later GET. */
async function warningsOf(
  name: string,
  variables: readonly { name: string; value: string }[],
  profile?: string,
): Promise<string[]> {
  const applied = await api.call('POST', INSTANCES, instanceBody(name, [...variables], profile))
  expect(applied).toMatchObject({ status: 200 })
  const warnings: string[] = applied.body.status.warnings ?? []
  const headers = warnings.map((text) => `299 - "${text.replaceAll('"', String.raw`\"`)}"`)
  expect(applied.headers.get('warning')).toBe(warnings.length === 0 ? null : headers.join(', '))
  expect((await api.instance(name)).status.warnings ?? []).toEqual(warnings)
  return warnings
}

test.each([
  ['SSH Keys', 'SSH Public Keys'],
  ['Guest Memory', 'Guest Memory Size'],
  ['guest-memory-size', 'Guest Memory Size'],
  ['Firewal Rules', 'Firewall Rules'],
])('a variable %j is taken with a warning that names %j', async (name, meant) => {
  const variables = [
    { name, value: '' },
    { name: 'Region', value: 'here' },
  ]
  expect(await warningsOf('slip', variables)).toEqual([])
  variables[0]!.value = '1'
  expect(await warningsOf('slip', variables)).toEqual([
    `"${name}" is not known and has no effect: did you mean "${meant}"?`,
  ])
  // What was read and is sent back changes nothing, and warns as before.
  const read = await api.instance('slip')
  const sent = await api.call('POST', INSTANCES, read)
  expect(sent.body).toEqual(read)
  expect(sent.headers.get('warning')).toContain(meant)
})

test('names that clients always send are taken without a word, unless they ask for something else', async () => {
  const named = (count: string, type: string) => [
    { name: 'GPU Count', value: count },
    { name: 'Node Type', value: type },
  ]
  expect(await warningsOf('client', named('0', ''))).toEqual([])
  expect(await warningsOf('client', named('1', 'h200'), 'h200-1gpu-vm')).toEqual([])
  expect(await warningsOf('client', named('2', 'A40'), 'h200-1gpu-vm')).toEqual([
    '"GPU Count" has no effect: the profile fixes "Guest GPU Count" at "1".',
    '"Node Type" has no effect: the profile fixes "GPU Model" at "H200".',
  ])
  expect(await warningsOf('client', named('1', 'H200'))).toEqual([
    '"GPU Count" has no effect: the profile fixes "Guest GPU Count" at "0".',
  ])
})

test('what a user writes reaches the headers as harmless ASCII, bounded in number and length', async () => {
  const variables = Array.from({ length: 40 }, (_, index) => ({
    name: `SSH\r\nPublic\u00f6 "Keys" \\ ${'!'.repeat(index)}`.replace('\u00f6', index % 2 ? '\u2026' : ''),
    value: 'x',
  }))
  const applied = await api.call('POST', INSTANCES, instanceBody('odd', variables))
  expect(applied.status).toBe(200)
  const header = applied.headers.get('warning') ?? ''
  expect(header).toMatch(/^[\x20-\x7e]+$/)
  expect(header.length).toBeLessThan(8 * 300)
  expect(header).toContain('more warnings in status.warnings')
  expect(applied.body.status.warnings).toHaveLength(16)
})

test('a misspelt member of an application’s configuration is named, and refused where it is a secret', async () => {
  const apply = async (config: object) =>
    api.call(
      'POST',
      SERVICES,
      serviceBody('nb', [{ name: 'Jupyter Notebook Config', value: JSON.stringify(config) }]),
    )
  const applied = await apply({ Jupyter_Notebook_Hostnam: 'a.example.org', Route_53_DNS: '' })
  expect(applied.body.status.warnings).toEqual([
    '"Jupyter_Notebook_Hostnam" in "Jupyter Notebook Config" is not known and has no effect: did you mean "Jupyter_Notebook_Hostname"?',
  ])
  expect(await apply({ Jupyter_Notebook_Tokn: 'planted' })).toMatchObject({
    status: 400,
    body: { field: 'Jupyter Notebook Config.Jupyter_Notebook_Tokn' },
  })
})

test('a misspelt secret is refused, since anybody could read it', async () => {
  for (const name of ['Guest Pasword', 'Password', 'GUEST_PASSWORD']) {
    const refused = await api.call(
      'POST',
      INSTANCES,
      instanceBody('leak', [{ name, value: 'planted-secret' }]),
    )
    expect(refused).toMatchObject({ status: 400, body: { field: name } })
    expect(refused.body.message).toContain('write "Guest Password"')
  }
  // An exported profile's own name for it is one of its meanings, and is as secret.
  const taken = await api.call(
    'POST',
    INSTANCES,
    instanceBody('own', [{ name: 'password', value: 'planted-secret' }]),
  )
  expect(taken.status).toBe(200)
  expect(taken.body.spec.variables).toContainEqual(
    expect.objectContaining({ name: 'password', value: '********' }),
  )
  await api.call('POST', `${INSTANCES}/own/publish`)
  const up = await api.waitForStatus('own', 'success')
  expect(up.status.output['vm']?.tasks['guest']?.['Password']).toBe('planted-secret')
})
