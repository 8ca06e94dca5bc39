import { join } from 'node:path'
import newman from 'newman'
import { expect, test } from 'vitest'
import { checkAnswer, hits } from '../../support/answer-check.ts'
import { operations } from '../../support/openapi-document.ts'
import { startSimulated } from '../../support/simulated-server.ts'
import { tempDir } from '../../support/temp-dir.ts'

const COLLECTION = join(import.meta.dirname, '../../../docs/postman/berth.postman_collection.json')

/** @throws Error naming the last answer when the run does not end in time */
async function run(environment: Readonly<Record<string, string>>): Promise<newman.NewmanRunSummary> {
  let last = 'no answer'
  return new Promise((resolve, reject) => {
    const options = {
      collection: COLLECTION,
      envVar: Object.entries(environment).map(([key, value]) => ({ key, value })),
      timeout: 18_000,
    }
    newman
      .run(options, (error, summary) => {
        if (error) reject(new Error(`${error.message}; last: ${last}`, { cause: error }))
        else resolve(summary)
      })
      .on('request', (_error, { item, response }) => {
        last = `${item?.name}: ${response?.code} ${response?.text()}`
      })
  })
}

test('the committed collection runs from top to bottom, and every answer is as documented', async () => {
  const server = await startSimulated(await tempDir())
  try {
    const { run: done } = await run({ baseUrl: server.api.url, apiKey: server.api.key, pollSeconds: '0.1' })
    for (const { item, request, response } of done.executions) {
      expect(response?.code, item.name).toBe(200)
      checkAnswer({
        method: request.method,
        path: request.url.getPath(),
        status: response.code,
        contentType: response.headers.get('content-type') as string,
        body: response.json(),
      })
    }
    expect(done.failures.map(({ source, error }) => `${source?.name}: ${error.message}`)).toEqual([])
    expect([...hits.keys()].toSorted()).toEqual(operations.map((one) => one.operation.operationId).toSorted())
  } finally {
    await server.stop()
  }
})
