import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import addFormats from 'ajv-formats'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { findOperation, openApi, type FoundOperation } from './openapi-document.ts'
import { FinalError } from './wait-for.ts'

/** A response as it arrived. */
export interface ReceivedAnswer {
  readonly method: string
  /** With or without a query. */
  readonly path: string
  readonly status: number
  readonly contentType: string | null
  /** Parsed; null when there was none. */
  readonly body: unknown
}

const DOCUMENT = 'openapi'

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(openApi, DOCUMENT)
const compiled = new Map<string, ValidateFunction>()

function pointer(...steps: readonly string[]): string {
  const escaped = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')))
  return `#/${escaped.join('/')}`
}

/**
 * Checks a value against a schema of the document.
 * @param reference to the schema, such as `#/components/schemas/Workspace`
 * @returns what is wrong with it, a line a problem; '' when nothing is
 */
export function schemaProblems(reference: string, value: unknown): string {
  const validate = compiled.get(reference) ?? ajv.compile({ $ref: `${DOCUMENT}${reference}` })
  compiled.set(reference, validate)
  if (validate(value)) return ''
  return (validate.errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message}`).join('\n')
}

/** Where the schema of an operation's answer is; undefined when the document has no such answer. */
export function answerSchema(found: FoundOperation, status: number, contentType: string): string | undefined {
  const answer = found.operation.responses[status]
  const name = answer?.$ref?.split('/').at(-1)
  const described = name === undefined ? answer : openApi.components?.responses?.[name]
  if (!described?.content?.[contentType]) return undefined
  const place =
    name === undefined
      ? ['paths', found.path, found.method, 'responses', String(status)]
      : ['components', 'responses', name]
  return pointer(...place, 'content', contentType, 'schema')
}

/** The operations that were hit in this process: their ids, and the statuses that they answered. */
export const hits = new Map<string, Set<number>>()

function record(operationId: string, status: number): void {
  const statuses = hits.get(operationId) ?? new Set()
  hits.set(operationId, statuses.add(status))
  const reports = process.env['BERTH_REPORTS']
  // One write of one short line, so that the lines of several workers do not mix.
  if (reports) appendFileSync(join(reports, 'operations'), `${operationId} ${status}\n`)
}

/**
 * Holds a response to the OpenAPI document, and records the operation that it is of. A request for a path
 * that is not in the document is passed over.
 * @throws FinalError naming the operation and what does not match
 */
export function checkAnswer({ method, path, status, contentType, body }: ReceivedAnswer): void {
  const found = findOperation(method, path)
  if (!found) return
  const { operationId, responses } = found.operation
  record(operationId, status)
  const request = `${operationId}: ${method} ${path} answered ${status}`
  const type = contentType?.split(';')[0]?.trim() ?? 'no content type'
  const schema = answerSchema(found, status, type)
  if (schema === undefined) {
    const known = Object.keys(responses).join(', ')
    throw new FinalError(
      `${request} as ${type}. docs/openapi.json has no such answer; its statuses are ${known}.`,
    )
  }
  const problems = schemaProblems(schema, body)
  if (problems !== '')
    throw new FinalError(`${request}, and its body does not match docs/openapi.json:\n${problems}`)
}
