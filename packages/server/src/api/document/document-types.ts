/** What Berth reads and writes of an OpenAPI 3.1 document (OpenAPI 3.1.0, section 4.8). */
export interface OpenApiDocument {
  readonly openapi: string
  readonly info: Readonly<Record<string, unknown>>
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>
  readonly components?: {
    readonly schemas?: Readonly<Record<string, JsonSchema>>
    readonly responses?: Readonly<Record<string, DocumentResponse>>
    readonly [kind: string]: unknown
  }
  readonly [member: string]: unknown
}

export type JsonSchema = Readonly<Record<string, unknown>>

export interface DocumentMedia {
  readonly schema: JsonSchema
  readonly examples?: Readonly<Record<string, { readonly summary?: string; readonly value: unknown }>>
  readonly example?: unknown
}

export interface DocumentResponse {
  readonly $ref?: string
  readonly description?: string
  readonly content?: Readonly<Record<string, DocumentMedia>>
}

export interface DocumentParameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie'
  readonly description?: string
  readonly required?: boolean
  readonly example?: unknown
  readonly schema: JsonSchema
}

export interface DocumentOperation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly security?: readonly unknown[]
  readonly parameters?: readonly DocumentParameter[]
  readonly requestBody?: {
    readonly required?: boolean
    readonly description?: string
    readonly content: Readonly<Record<string, DocumentMedia>>
  }
  readonly responses: Readonly<Record<string, DocumentResponse>>
}
