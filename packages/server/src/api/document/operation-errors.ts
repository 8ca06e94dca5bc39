import { ERROR_RESPONSES, type ErrorStatus } from './error-responses.ts'
import type { DocumentOperation, DocumentResponse } from './document-types.ts'

/** A path that is not valid percent-encoding is a 400 everywhere. */
const WITH_KEY: readonly ErrorStatus[] = [400, 401, 408, 431, 500]
/** Requests with a body, and whatever changes something, which a reader's key may not. */
const WRITING: readonly ErrorStatus[] = [403, 413, 415]

/**
 * An operation's responses, completed by the errors that its route need not name. Errors become references
 * to components.
 * @param method in lower case
 */
export function withErrors(operation: DocumentOperation, method: string): Record<string, DocumentResponse> {
  const isPublic = operation.security?.length === 0
  const hasPath = (operation.parameters ?? []).some((parameter) => parameter.in === 'path')
  const added = [
    ...(isPublic ? [] : WITH_KEY),
    ...(isPublic || method === 'get' ? [] : WRITING),
    ...(hasPath ? [404 as const] : []),
  ]
  const all: Record<string, DocumentResponse> = { ...operation.responses }
  for (const status of added) all[status] = {}
  for (const status of Object.keys(all)) {
    const known = ERROR_RESPONSES[Number(status) as ErrorStatus] as { name: string } | undefined
    if (known) all[status] = { $ref: `#/components/responses/${known.name}` }
  }
  return all
}

/** The error responses that `operations` refer to, by the names of their components. */
export function errorComponents(operations: readonly DocumentOperation[]): Record<string, DocumentResponse> {
  const used = new Set(operations.flatMap((one) => Object.values(one.responses).map((it) => it.$ref)))
  const schema = { $ref: '#/components/schemas/Error' }
  return Object.fromEntries(
    Object.values(ERROR_RESPONSES)
      .filter(({ name }) => used.has(`#/components/responses/${name}`))
      .map(({ name, description, examples }) => {
        const named = Object.entries(examples).map(([key, value]) => [key, { value }])
        const content = { 'application/json': { schema, examples: Object.fromEntries(named) } }
        return [name, { description, content }]
      }),
  )
}
