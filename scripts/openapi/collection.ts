import type { OpenApiDocument } from '../../packages/server/src/api/document/document-types.ts'
import { convertDocument, type PostmanItem } from './convert-document.ts'
import { POLL_SCRIPTS, SUCCESS_SCRIPT } from './poll-scripts.ts'
import { VARIABLES, WORKFLOW, type WorkflowStep } from './workflow.ts'

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'

/**
 * The Postman collection of a document: its operations in the order of scripts/openapi/workflow.ts.
 * @throws Error naming an operation that has no place there, or a step without an operation
 */
export async function buildCollection(document: OpenApiDocument): Promise<object> {
  const { auth, description, items } = await convertDocument(document)
  const byOperation = new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, one]) => [one.operationId, items.get(`${method} ${path}`)]),
    ),
  )
  const placed = new Set(WORKFLOW.flatMap((folder) => folder.steps.map((step) => step.operationId)))
  const missing = [...byOperation.keys()].filter((operationId) => !placed.has(operationId))
  if (missing.length > 0) {
    throw new Error(`Give these operations a place in scripts/openapi/workflow.ts: ${missing.join(', ')}`)
  }
  const folders = WORKFLOW.map(({ steps, ...folder }) => ({
    ...folder,
    item: steps.map((step) => {
      const item = byOperation.get(step.operationId)
      if (!item) throw new Error(`scripts/openapi/workflow.ts: no operation is named ${step.operationId}`)
      return itemOf(step, structuredClone(item))
    }),
  }))
  return {
    info: { name: 'Berth', description, schema: SCHEMA },
    auth,
    event: [testEvent(SUCCESS_SCRIPT)],
    variable: Object.entries(VARIABLES).map(([key, value]) => ({ key, value, type: 'string' })),
    item: folders,
  }
}

function itemOf(step: WorkflowStep, item: PostmanItem): object {
  const { name = item.name, path = {}, query = {}, until } = step
  const { name: _, description: __, auth, ...request } = item.request
  for (const parameter of request.url.variable ?? []) {
    parameter.value = withVariables(path[parameter.key] ?? parameter.value) as string
  }
  for (const parameter of request.url.query ?? []) {
    const value = query[parameter.key]
    if (value !== undefined) Object.assign(parameter, { value, disabled: false })
  }
  if (request.body?.raw) {
    request.body.raw = JSON.stringify(withVariables(JSON.parse(request.body.raw)), null, 2)
  }
  return {
    name,
    ...(until ? { event: [testEvent(POLL_SCRIPTS[until])] } : {}),
    request: { ...request, ...(auth ? { auth } : {}) },
    response: until
      ? []
      : item.response.filter(({ code }) => code < 300).map((one) => savedAnswer(one, request)),
  }
}

function savedAnswer(
  answer: PostmanItem['response'][number],
  { method, url }: PostmanItem['request'],
): object {
  return { ...answer, originalRequest: { method, url } }
}

/** Texts that are the value of a variable become that variable. */
function withVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withVariables)
  if (typeof value === 'string') {
    const variable = Object.entries(VARIABLES).find(([, standard]) => standard !== '' && standard === value)
    return variable ? `{{${variable[0]}}}` : value
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withVariables(member)]))
}

function testEvent(exec: readonly string[]): object {
  return { listen: 'test', script: { type: 'text/javascript', exec } }
}
