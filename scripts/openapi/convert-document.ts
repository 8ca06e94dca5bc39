import { promisify } from 'node:util'
import { convertV2 } from 'openapi-to-postmanv2'
import type { OpenApiDocument } from '../../packages/server/src/api/document/document-types.ts'

/** What is read and written of a Postman item (collection format 2.1). */
export interface PostmanItem {
  name: string
  request: {
    name?: string
    method: string
    description?: unknown
    auth?: unknown
    url: {
      path: string[]
      query?: { key: string; value: string; disabled?: boolean }[]
      variable?: { key: string; value: string }[]
    }
    body?: { raw?: string }
  }
  response: { code: number; originalRequest?: unknown }[]
  event?: unknown
}

interface PostmanFolder {
  readonly item: readonly (PostmanItem | PostmanFolder)[]
}

export interface ConvertedDocument {
  readonly auth: unknown
  readonly description: unknown
  /** By "get /path/{parameter}". */
  readonly items: ReadonlyMap<string, PostmanItem>
}

const convert = promisify(convertV2)

/**
 * One Postman item for each operation, without the ids that the converter makes up.
 * @throws Error with the converter's reason
 */
export async function convertDocument(document: OpenApiDocument): Promise<ConvertedDocument> {
  const conversion = await convert(
    // The converter changes what it is given.
    { type: 'json', data: structuredClone(document) },
    { parametersResolution: 'Example', enableOptionalParameters: false, includeAuthInfoInExample: false },
  )
  if (!conversion.result) throw new Error(`The document was not converted: ${conversion.reason}`)
  const collection = withoutIds(conversion.output?.[0]?.data) as PostmanFolder & {
    auth: unknown
    info: { description: unknown }
  }
  const items = new Map(leaves(collection).map((item) => [keyOf(item), item]))
  return { auth: collection.auth, description: collection.info.description, items }
}

function leaves(folder: PostmanFolder): PostmanItem[] {
  return folder.item.flatMap((one) => ('item' in one ? leaves(one) : [one]))
}

function keyOf({ request }: PostmanItem): string {
  const path = request.url.path.map((part) => part.replace(/^:(.*)$/, '{$1}')).join('/')
  return `${request.method.toLowerCase()} /${path}`
}

function withoutIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIds)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([name]) => name !== 'id' && name !== '_postman_id')
  return Object.fromEntries(members.map(([name, member]) => [name, withoutIds(member)]))
}
