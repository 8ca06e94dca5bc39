import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  DocumentOperation,
  OpenApiDocument,
} from '../../packages/server/src/api/document/document-types.ts'

/** An operation of the committed document and where it is. */
export interface FoundOperation {
  readonly operation: DocumentOperation
  readonly path: string
  /** In lower case. */
  readonly method: string
}

/** The committed OpenAPI document, which a test of its own holds to what the code makes. */
export const openApi = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8'),
) as OpenApiDocument

export const operations: readonly FoundOperation[] = Object.entries(openApi.paths).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ operation, path, method })),
)

function segments(path: string): string[] {
  return path
    .replace(/[?#].*$/s, '')
    .replace(/\/$/, '')
    .split('/')
}

/** How many segments are the template's own words; -1 when the path does not fit it. */
function likeness(template: string, path: string): number {
  const [wanted, given] = [segments(template), segments(path)]
  if (wanted.length !== given.length) return -1
  const fits = wanted.every((part, at) => (part.startsWith('{') ? given[at] !== '' : part === given[at]))
  return fits ? wanted.filter((part) => !part.startsWith('{')).length : -1
}

/**
 * The operation that a request is for, if the document has one.
 * @param path with or without a query
 */
export function findOperation(method: string, path: string): FoundOperation | undefined {
  return operations
    .filter((one) => one.method === method.toLowerCase() && likeness(one.path, path) >= 0)
    .toSorted((a, b) => likeness(b.path, path) - likeness(a.path, path))[0]
}
