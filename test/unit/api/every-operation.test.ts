import { afterAll, beforeAll, expect, test } from 'vitest'
import { hits } from '../../support/answer-check.ts'
import { ApiClient } from '../../support/api-client.ts'
import { exampleRequest } from '../../support/example-request.ts'
import { openApi, operations } from '../../support/openapi-document.ts'
import { startSimulated, type SimulatedServer } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { waitFor } from '../../support/wait-for.ts'

let server: SimulatedServer
let api: ApiClient

beforeAll(async () => {
  server = await startSimulated(await tempDir())
  api = server.api
})
afterAll(() => server.stop())

async function send(operationId: string) {
  const { method, path, body } = exampleRequest(operationId)
  return api.call(method, path, body)
}

const settled = (read: string) => async (): Promise<void> => {
  const done = async () => (await send(read)).body.status.status === 'success'
  await waitFor(done, { deadlineSeconds: 10, what: `${read} to read success` })
}

const gone = (read: string) => async (): Promise<void> => {
  const left = async () => (await send(read)).status === 404
  await waitFor(left, { deadlineSeconds: 10, what: `${read} to find nothing` })
}

/** Every operation, in an order in which its example works, and what to wait for after it. */
const CALLS: readonly (readonly [operationId: string, afterwards?: () => Promise<void>])[] = [
  ['getHealth'],
  ['getReadiness'],
  ['getOpenApi'],
  ['listProjects'],
  ['getProject'],
  ['listAuthProjects'],
  ['applyComputeProfile'],
  ['listComputeProfiles'],
  ['getComputeProfile'],
  ['applyServiceProfile'],
  ['listServiceProfiles'],
  ['getServiceProfile'],
  ['applyWorkspace'],
  ['listWorkspaces'],
  ['getWorkspace'],
  ['applyComputeInstance'],
  ['publishComputeInstance', settled('getComputeInstance')],
  ['listComputeInstances'],
  ['getComputeInstance'],
  ['actOnComputeInstance', settled('getComputeInstance')],
  ['deleteComputeInstance', gone('getComputeInstance')],
  ['applyService'],
  ['publishService', settled('getService')],
  ['listServices'],
  ['getService'],
  ['actOnService', settled('getService')],
  ['deleteService', gone('getService')],
  ['deleteWorkspace'],
]

test('this file calls every operation of the document', () => {
  const called = new Set(CALLS.map(([operationId]) => operationId))
  const missing = operations.map((one) => one.operation.operationId).filter((one) => !called.has(one))
  expect(missing, 'Add these operations to CALLS in test/unit/api/every-operation.test.ts').toEqual([])
})

test('every operation answers its documented example as documented, and no other is hit', async () => {
  for (const [operationId, afterwards] of CALLS) {
    const answer = await send(operationId)
    expect(answer.status, `${operationId}: ${JSON.stringify(answer.body)}`).toBe(200)
    await afterwards?.()
  }
  const succeeded = [...hits].filter(([, statuses]) => statuses.has(200)).map(([operationId]) => operationId)
  expect(succeeded.toSorted()).toEqual(operations.map((one) => one.operation.operationId).toSorted())
})

test('the served document needs no key and is the committed one', async () => {
  const served = await new ApiClient(api.url, '').call('GET', '/openapi.json')
  expect(served.body).toEqual(openApi)
})
