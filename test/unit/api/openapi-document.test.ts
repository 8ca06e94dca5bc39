import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { committedFiles } from '../../../scripts/openapi/committed-files.ts'
import { answerSchema, schemaProblems } from '../../support/answer-check.ts'
import { openApi, operations } from '../../support/openapi-document.ts'

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
    expect(new Set(hosts).difference(new Set(['127.0.0.1', 'schema.getpostman.com']))).toEqual(new Set())
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

test.each(operations.map((found) => [found.operation.operationId, found] as const))(
  '%s is described, with examples that its schemas accept (server/src/api/document)',
  (operationId, found) => {
    const { operation, path, method } = found
    expect(operationId).toMatch(/^[a-z][A-Za-z]+$/)
    expect(operation.summary).not.toBe('')
    expect(operation.tags.filter((tag) => tags.includes(tag))).toHaveLength(1)

    const parameters = operation.parameters ?? []
    const named = parameters.filter((one) => one.in === 'path').map((one) => one.name)
    expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
    for (const parameter of parameters) {
      expect(parameter.description, parameter.name).toBeTruthy()
      if (parameter.required) expect(parameter.example, parameter.name).toBeDefined()
    }

    const isPublic = operation.security?.length === 0
    const statuses = Object.keys(operation.responses)
    if (!isPublic) expect(statuses).toEqual(expect.arrayContaining(['400', '401', '500']))
    if (!isPublic && method !== 'get') expect(statuses).toEqual(expect.arrayContaining(['403', '413', '415']))

    const at = `#/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method}`
    const request = operation.requestBody?.content[JSON_TYPE]
    if (request) {
      expect(request.example, 'an example request').toBeDefined()
      const schema = `${at}/requestBody/content/application~1json/schema`
      expect(schemaProblems(schema, request.example)).toBe('')
    }
    const answer = operation.responses['200']?.content?.[JSON_TYPE]
    expect(answer?.example, 'an example response').toBeDefined()
    expect(schemaProblems(answerSchema(found, 200, JSON_TYPE) ?? '', answer?.example)).toBe('')
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
