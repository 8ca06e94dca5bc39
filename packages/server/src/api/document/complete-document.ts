import type { DocumentMedia, DocumentOperation, DocumentResponse, OpenApiDocument } from './document-types.ts'
import { SchemaComponents } from './hoist-schemas.ts'
import { errorComponents, withErrors } from './operation-errors.ts'
import { OPERATION_EXAMPLES } from './operation-examples.ts'
import { completeParameters } from './operation-parameters.ts'

const JSON_TYPE = 'application/json'

/** The body of a POST that needs none (wire contract 0.6). */
const NO_BODY = {
  required: false,
  description: 'Nothing, or an empty object',
  content: { [JSON_TYPE]: { schema: { type: 'object' }, example: {} } },
}

/**
 * Completes what the routes' schemas make: titled schemas become components, and every operation gets its
 * examples and the errors that all routes share.
 */
export function completeDocument(document: OpenApiDocument): OpenApiDocument {
  const components = new SchemaComponents()
  const paths = Object.entries(document.paths).map(([path, methods]) => {
    const completed = Object.entries(methods).map(([method, operation]) => {
      const parameters = completeParameters(path, operation.parameters ?? [], components)
      return [method, complete({ ...operation, parameters }, method, components)] as const
    })
    return [path, Object.fromEntries(completed)] as const
  })
  const operations = paths.flatMap(([, methods]) => Object.values(methods))
  const registered = Object.entries(document.components?.schemas ?? {})
  const schemas = Object.fromEntries(registered.map(([name, schema]) => [name, components.hoist(schema)]))
  return {
    ...document,
    components: {
      ...document.components,
      responses: errorComponents(operations),
      schemas: { ...schemas, ...components.all() },
    },
    paths: Object.fromEntries(paths),
  }
}

function complete(
  operation: DocumentOperation,
  method: string,
  components: SchemaComponents,
): DocumentOperation {
  const { requestBody, parameters = [], ...rest } = operation
  const { request, response } = OPERATION_EXAMPLES[operation.operationId] ?? {}
  const body = requestBody ?? (method === 'post' ? NO_BODY : undefined)
  const responses = Object.entries(withErrors(operation, method)).map(([status, answer]) => [
    status,
    completeContent(answer, status === '200' ? response : undefined, components),
  ])
  return {
    ...rest,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: completeContent(body, request, components) } : {}),
    responses: Object.fromEntries(responses) as Record<string, DocumentResponse>,
  }
}

function completeContent<Holder extends { readonly content?: Readonly<Record<string, DocumentMedia>> }>(
  holder: Holder,
  example: unknown,
  components: SchemaComponents,
): Holder {
  if (!holder.content) return holder
  const content = Object.entries(holder.content).map(([type, media]) => [
    type,
    { ...media, schema: components.hoist(media.schema), ...(example === undefined ? {} : { example }) },
  ])
  return { ...holder, content: Object.fromEntries(content) }
}
