import { operations } from './openapi-document.ts'

/** The request of an operation as the document's examples show it; query parameters are left out. */
export function exampleRequest(operationId: string) {
  const found = operations.find((one) => one.operation.operationId === operationId)
  if (!found)
    throw new Error(`docs/openapi.json has no operation ${operationId}. After a change type: npm run openapi`)
  const { parameters = [], requestBody } = found.operation
  const path = found.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(parameters.find((one) => one.in === 'path' && one.name === name)?.example)),
  )
  const body = requestBody?.content['application/json']?.example
  return { method: found.method.toUpperCase(), path, body }
}
