import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schemaProblems } from '../../support/answer-check.ts'
import { INSTANCES, instanceBody, SERVICES, serviceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { userText } from '../../support/user-text.ts'

// A client that goes by the OpenAPI document must not be surprised by the API, and the other way round.

let server: SimulatedServer
beforeAll(async () => {
  server = await startSimulated(await tempDir())
})
afterAll(() => server.stop())

const CATALOGUE = join(import.meta.dirname, '../../../packages/server/catalogue')
const codeServer = JSON.parse(readFileSync(join(CATALOGUE, 'code-server.json'), 'utf8'))

interface Body {
  readonly kind: string
  readonly metadata: { readonly name: string }
}

function profile(name: string, application: object = {}) {
  const spec = { ...codeServer.spec, application: { ...codeServer.spec.application, ...application } }
  return { ...codeServer, metadata: { name }, spec: { ...spec, systemCatalog: false } }
}
const plain = (kind: string, name: string, spec?: object) => ({
  apiVersion: 'paas.envmgmt.io/v1',
  kind,
  metadata: { name },
  ...(spec ? { spec } : {}),
})

const KINDS: readonly [path: string, body: (name: string) => Body][] = [
  ['workspaces', (name) => plain('Workspace', name)],
  ['computeprofiles', (name) => plain('ComputeProfile', name, {})],
  ['serviceprofiles', (name) => profile(name)],
  [INSTANCES, (name) => instanceBody(name)],
  [SERVICES, (name) => serviceBody(name)],
]

/** Whether document and API take the body; the two must say the same. */
async function verdicts(path: string, body: Body): Promise<{ document: boolean; api: boolean }> {
  const { status, body: answer } = await server.api.call('POST', path, body)
  expect([200, 400], JSON.stringify(answer)).toContain(status)
  const problems = schemaProblems(`#/components/schemas/${body.kind}Request`, body)
  return { document: problems === '', api: status === 200 }
}

const objectName = fc.oneof(
  fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/),
  fc.stringMatching(/^[a-zA-Z0-9-_.]{0,6}$/),
  fc.integer({ min: 60, max: 66 }).map((length) => 'x'.repeat(length)),
  userText,
)

test.each(KINDS)('a name under %s is good for the document where the API takes it', async (path, body) => {
  const seen = new Set<boolean>()
  await fc.assert(
    fc.asyncProperty(objectName, async (name) => {
      const { document, api } = await verdicts(path, body(name))
      expect(document).toBe(api)
      seen.add(api)
    }),
    { numRuns: 40 },
  )
  expect(seen).toEqual(new Set([true, false]))
})

const variableName = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
  fc.stringMatching(/^[A-Za-z0-9_.-]{1,6}$/),
  fc.integer({ min: 126, max: 130 }).map((length) => 'X'.repeat(length)),
  userText.filter((text) => text !== '__proto__'),
)

test.each(['environment', 'secretEnvironment'])('so is the name of a variable in %s', async (member) => {
  const seen = new Set<boolean>()
  await fc.assert(
    fc.asyncProperty(variableName, async (name) => {
      const { environment: _, secretEnvironment: __, ...rest } = codeServer.spec.application
      const body = profile('named', {
        ...rest,
        environment: {},
        secretEnvironment: {},
        [member]: { [name]: 'x' },
      })
      const { document, api } = await verdicts('serviceprofiles', body)
      expect(document).toBe(api)
      seen.add(api)
    }),
    { numRuns: 60 },
  )
  expect(seen).toEqual(new Set([true, false]))
})

test.each([
  [
    'a guest image',
    (value: string) => ({ guestImage: value }),
    ['debian-12', 'a.b', 'a..b', '-a', 'A', 'x'.repeat(64)],
  ],
])('%s is good for the document where the API takes it', async (_what, spec, values) => {
  for (const value of values) {
    const { document, api } = await verdicts('computeprofiles', plain('ComputeProfile', 'sized', spec(value)))
    expect(document, value).toBe(api)
  }
})

test('a refused name is named with what it must be', async () => {
  const bad = await server.api.call('POST', 'workspaces', plain('Workspace', 'Dev_1'))
  expect(bad.body).toMatchObject({ code: 400, field: 'metadata.name' })
  expect(bad.body.message).toContain('lower-case letters, digits and dashes, at most 63')
  const body = profile('named', { environment: { '1 bad': 'x' } })
  const variable = await server.api.call('POST', 'serviceprofiles', body)
  expect(variable.body).toMatchObject({ code: 400, field: 'spec.application.environment.1 bad' })
  expect(variable.body.message).toContain('letters, digits and underscores')
})
