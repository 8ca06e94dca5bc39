import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from './document-types.ts'

const ONE_SCHEMA = ['items', 'additionalProperties', 'not', 'contains', 'propertyNames']
const NAMED_SCHEMAS = ['properties', 'patternProperties', '$defs']
const SCHEMA_LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems']

/** Gathers the schemas that have a title, each once, as the document's components. */
export class SchemaComponents {
  readonly #byName = new Map<string, JsonSchema>()

  /**
   * The schema with every titled schema in it, itself included, replaced by a reference to its component.
   * @throws Error when two different schemas have one title
   */
  hoist(schema: JsonSchema): JsonSchema {
    const { title, ...rest } = this.#withinHoisted(schema)
    if (typeof title !== 'string') return rest
    const known = this.#byName.get(title)
    if (known && !isDeepStrictEqual(known, rest)) {
      throw new Error(`Two different schemas have the title ${title}. Give one of them another title.`)
    }
    this.#byName.set(title, rest)
    return { $ref: `#/components/schemas/${title}` }
  }

  /** Every component by name, in the order of their names. */
  all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#byName].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  #withinHoisted(schema: JsonSchema): JsonSchema {
    const hoistIfSchema = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? this.hoist(value as JsonSchema)
        : value
    const result: Record<string, unknown> = { ...schema }
    for (const [keyword, value] of Object.entries(schema)) {
      if (ONE_SCHEMA.includes(keyword)) result[keyword] = hoistIfSchema(value)
      if (SCHEMA_LISTS.includes(keyword)) result[keyword] = (value as unknown[]).map(hoistIfSchema)
      if (NAMED_SCHEMAS.includes(keyword)) {
        const named = Object.entries(value as JsonSchema)
        result[keyword] = Object.fromEntries(named.map(([name, one]) => [name, hoistIfSchema(one)]))
      }
    }
    // Generators of clients want a type beside an enum.
    const words = schema['enum']
    if (Array.isArray(words) && schema['type'] === undefined && words.every((it) => typeof it === 'string')) {
      return { type: 'string', ...result }
    }
    return result
  }
}
