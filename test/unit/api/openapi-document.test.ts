import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { committedFiles } from '../../../scripts/openapi/committed-files.ts'
import { answerSchema, schemaProblems } from '../../support/answer-check.ts'
import { openApi, operations, type FoundOperation } from '../../support/openapi-document.ts'

const repository = join(import.meta.dirname, '../../..')
const files = await committedFiles()
const JSON_TYPE = 'application/json'

test.each([...files.keys()])('%s is what the code makes (else type: npm run openapi)', (path) => {
  const committed = readFileSync(join(repository, path), 'utf8')
  expect(committed === files.get(path), `${path} is stale. Type: npm run openapi`).toBe(true)
})

test('making the files again gives the same bytes', async () => {
  expect(await committedFiles()).toEqual(files)
})

test('the files name no machine but this one', () => {
  for (const text of files.values()) {
    const hosts = [...text.matchAll(/https?:\/\/([^/"\s:]+)/g)].map((match) => match[1])
    expect(new Set(hosts).difference(new Set(['127.0.0.1', '127.64.0.7', 'schema.getpostman.com']))).toEqual(
      new Set(),
    )
    expect(text).not.toContain(repository)
  }
})

test('the document is valid OpenAPI 3.1', async () => {
  expect(openApi.openapi).toMatch(/^3\.1\./)
  const { valid, errors } = await new Validator().validate(structuredClone(openApi) as never)
  expect(errors ?? []).toEqual([])
  expect(valid).toBe(true)
})

test('operations have ids of their own', () => {
  const ids = operations.map((one) => one.operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
})

const tags = (openApi['tags'] as { name: string }[]).map((tag) => tag.name)

/** What an operation with a key can answer besides 200, whatever it does. */
function sharedErrors({ operation, method }: FoundOperation): string[] {
  if (operation.security?.length === 0) return []
  return method === 'get' ? ['400', '401', '500'] : ['400', '401', '403', '413', '415', '500']
}

/** What is wrong with an example that has to be there. */
function exampleProblems(schema: string | undefined, example: unknown): string {
  if (schema === undefined || example === undefined) return 'is missing'
  return schemaProblems(schema, example)
}

test.each(operations.map((found) => [found.operation.operationId, found] as const))(
  '%s is described, with every parameter and error',
  (operationId, found) => {
    const { operation, path } = found
    expect(operationId).toMatch(/^[a-z][A-Za-z]+$/)
    expect(operation.summary).not.toBe('')
    expect(operation.tags.filter((tag) => tags.includes(tag))).toHaveLength(1)
    const parameters = operation.parameters ?? []
    const inPath = parameters.filter((one) => one.in === 'path')
    expect(inPath.map((one) => one.name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
    expect(parameters.filter((one) => !one.description)).toEqual([])
    expect(inPath.filter((one) => one.example === undefined)).toEqual([])
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(sharedErrors(found)))
  },
)

test.each(operations.map((found) => [found.operation.operationId, found] as const))(
  '%s has examples that its schemas accept (packages/server/src/api/document/operation-examples.ts)',
  (_operationId, found) => {
    const { operation, path, method } = found
    const answer = operation.responses['200']?.content?.[JSON_TYPE]
    expect(exampleProblems(answerSchema(found, 200, JSON_TYPE), answer?.example), 'response').toBe('')
    const body = `#/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method}/requestBody`
    const requests = Object.values(operation.requestBody?.content ?? {})
    for (const { example } of requests) {
      expect(exampleProblems(`${body}/content/application~1json/schema`, example), 'request').toBe('')
    }
  },
)

test('the examples of errors carry the status that they are of', () => {
  const responses = openApi.components?.responses ?? {}
  for (const { operation } of operations) {
    for (const [status, { $ref }] of Object.entries(operation.responses)) {
      const shared = $ref ? responses[$ref.split('/').at(-1) ?? ''] : undefined
      for (const { value } of Object.values(shared?.content?.[JSON_TYPE]?.examples ?? {})) {
        expect(value).toMatchObject({ code: Number(status) })
        expect(schemaProblems('#/components/schemas/Error', value)).toBe('')
      }
    }
  }
})
