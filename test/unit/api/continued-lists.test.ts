import { array, assert, asyncProperty, constantFrom, integer, record } from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiClient, INSTANCES, instanceBody, SERVICES, serviceBody } from '../../support/api-client.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

const FIELDS = ['createdAt', 'modifiedAt', 'name', 'displayName'] as const
const ORDERS = ['ASC', 'DESC'] as const
interface Order {
  readonly orderBy: string
  readonly order: string
}

interface ListPage {
  readonly names: string[]
  readonly next: string | undefined
}

async function pageOf(list: string, { orderBy, order }: Order, limit: number, token = ''): Promise<ListPage> {
  const query = new URLSearchParams({ orderBy, order, limit: String(limit), continue: token })
  const { status, body } = await api.call('GET', `${list}?${query.toString()}`)
  expect(status, JSON.stringify(body)).toBe(200)
  const items = body.items as { metadata: { name: string } }[]
  return { names: items.map(({ metadata }) => metadata.name), next: body.metadata.continue }
}

/** Every page of a list, with something done before each but the first. */
async function walk(list: string, order: Order, limit: number, between = async () => {}): Promise<string[]> {
  const names: string[] = []
  let token: string | undefined = ''
  for (let pages = 0; token !== undefined; pages++) {
    if (pages > 0) await between()
    expect(pages, 'a list that ends').toBeLessThan(200)
    const page = await pageOf(list, order, limit, token)
    names.push(...page.names)
    token = page.next
  }
  return names
}

const apply = async (list: string, body: unknown) =>
  expect((await api.call('POST', list, body)).status, list).toBe(200)
const workspaceBody = (name: string, displayName = '') => ({
  apiVersion: 'paas.envmgmt.io/v1',
  kind: 'Workspace',
  metadata: { name, displayName },
})

test('going on page by page shows what one page shows, for every list and order', async () => {
  for (const name of ['a', 'b', 'c']) {
    await apply(INSTANCES, instanceBody(name))
    await apply(SERVICES, serviceBody(name))
    await apply('workspaces', workspaceBody(`whole-${name}`))
  }
  for (const list of [INSTANCES, SERVICES, 'workspaces', 'computeprofiles', 'serviceprofiles']) {
    for (const orderBy of FIELDS) {
      for (const order of ORDERS) {
        const whole = await pageOf(list, { orderBy, order }, 50)
        expect(whole.next, list).toBeUndefined()
        expect(await walk(list, { orderBy, order }, 2), `${list} by ${orderBy} ${order}`).toEqual(whole.names)
      }
    }
  }
})

test(
  'what is there throughout is shown once, whatever is created and deleted between pages',
  { timeout: 90_000 },
  async () => {
    let made = 0
    /** One change between two pages: something new, or one of what may go does. */
    const change = constantFrom('create', 'create', 'delete')
    const run = record({
      orderBy: constantFrom(...FIELDS),
      order: constantFrom(...ORDERS),
      limit: integer({ min: 1, max: 4 }),
      displayNames: array(constantFrom('', 'Same', 'Ärger', 'zz'), { minLength: 8, maxLength: 8 }),
      changes: array(array(change, { maxLength: 3 }), { minLength: 12, maxLength: 12 }),
    })
    await assert(
      asyncProperty(run, async ({ displayNames, changes, limit, ...order }) => {
        const stays = new Set<string>()
        const goes: string[] = []
        const create = async (displayName: string) => {
          // Names that sort anywhere among the others.
          const name = `${'mzaqf'[made % 5]}-${made++}`
          await apply('workspaces', workspaceBody(name, displayName))
          return name
        }
        for (const [index, displayName] of displayNames.entries()) {
          const name = await create(displayName)
          if (index % 2 === 0) stays.add(name)
          else goes.push(name)
        }
        const plan = changes.values()
        const seen = await walk('workspaces', order, limit, async () => {
          for (const what of plan.next().value ?? []) {
            const victim = what === 'delete' ? goes.pop() : undefined
            if (victim !== undefined) await api.call('DELETE', `workspaces/${victim}`)
            else goes.push(await create('Same'))
          }
        })
        expect(seen.length, 'nothing twice').toBe(new Set(seen).size)
        expect(seen).toEqual(expect.arrayContaining([...stays]))
        for (const name of [...stays, ...goes]) await api.call('DELETE', `workspaces/${name}`)
      }),
      { numRuns: 8 },
    )
  },
)

test('a token is taken by its own list in its own order, and by no other', async () => {
  const order = { orderBy: 'name', order: 'ASC' }
  const { next = '' } = await pageOf(INSTANCES, order, 1)
  expect(next).not.toBe('')
  expect((await pageOf(INSTANCES, order, 2, next)).names).toEqual(['b', 'c'])
  const [text = '', signature = ''] = next.split('.')
  const forged = `${Buffer.from('["a","b"]').toString('base64url')}.${signature}`
  const query = (token: string, rest = 'orderBy=name&order=ASC') => `continue=${token}&${rest}`
  const refused: [list: string, query: string, field: string][] = [
    [INSTANCES, query(forged), 'continue'],
    [INSTANCES, query(text), 'continue'],
    [INSTANCES, query(`${text}.`), 'continue'],
    [INSTANCES, query(`${next}.anything`), 'continue'],
    [INSTANCES, query(`${next}.`), 'continue'],
    [INSTANCES, query(`${next}=`), 'continue'],
    [INSTANCES, query(`${next}%00`), 'continue'],
    [INSTANCES, query('garbage'), 'continue'],
    [INSTANCES, query('%00.%FF'), 'continue'],
    [INSTANCES, query('x'.repeat(3_000)), 'continue'],
    [INSTANCES, query(next, 'orderBy=name'), 'continue'],
    [INSTANCES, query(next, 'order=ASC'), 'continue'],
    [SERVICES, query(next), 'continue'],
    ['workspaces', query(next), 'continue'],
    [INSTANCES, query(next, `orderBy=name&order=ASC&continue=${next}`), 'continue'],
    [INSTANCES, query(next, 'orderBy=name&order=ASC&offset=1'), 'offset'],
  ]
  for (const [list, asked, field] of refused) {
    const { status, body } = await api.call('GET', `${list}?${asked}`)
    expect({ status, field: body.field }, asked).toEqual({ status: 400, field })
  }
  const harmless = await api.call('GET', `${INSTANCES}?limit=1&continue&offset`)
  expect(harmless.body.metadata).toMatchObject({ count: 3, limit: 1 })
})

test.each([
  ['control characters', '\u0001'],
  ['quotation marks', '"'],
  ['characters of four bytes', '🚢'],
])(
  'a list is gone through though its display names are as long as can be, of %s',
  async (_what, character) => {
    for (const name of ['long-a', 'long-b'])
      await apply('workspaces', workspaceBody(name, character.repeat(256)))
    const order = { orderBy: 'displayName', order: 'ASC' }
    const { names } = await pageOf('workspaces', order, 50)
    expect(await walk('workspaces', order, 1)).toEqual(names)
  },
)
