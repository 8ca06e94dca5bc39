import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

test('32 parallel applies of different names all succeed', async () => {
  const answers = await Promise.all(
    names(32, 'vm').map((name) => api.call('POST', INSTANCES, instanceBody(name))),
  )
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(32)
})

test('32 parallel creates of one name: one succeeds, the others are told that it exists', async () => {
  const create = () => api.call('POST', `${INSTANCES}?fail-on-exists=true`, instanceBody('only-one'))
  const answers = await Promise.all(Array.from({ length: 32 }, create))
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
  expect(
    answers.filter((answer) => answer.status === 409 && answer.body.reason === 'AlreadyExists'),
  ).toHaveLength(31)
})

test('pages ordered by createdAt cover every object exactly once while others are written', async () => {
  const before = (await api.call('GET', INSTANCES)).body.metadata.count as number
  const writing = new AbortController()
  const writer = (async () => {
    for (let index = 0; index < 500 && !writing.signal.aborted; index++) {
      await api.call('POST', INSTANCES, instanceBody(`late-${index}`))
    }
  })()
  const seen: string[] = []
  for (let offset = 0; offset < before;) {
    const { body } = await api.call(
      'GET',
      `${INSTANCES}?order=ASC&orderBy=createdAt&limit=10&offset=${offset}`,
    )
    seen.push(...body.items.map((item: { metadata: { name: string } }) => item.metadata.name))
    offset += body.items.length
  }
  writing.abort()
  await writer
  const expected = [...names(32, 'vm'), 'only-one']
  const counted = expected.map((name) => seen.filter((one) => one === name).length)
  expect(counted).toEqual(expected.map(() => 1))
  expect(new Set(seen).size).toBe(seen.length)
})
