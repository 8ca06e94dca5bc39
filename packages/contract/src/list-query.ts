import Type from 'typebox'
import { ApiError } from './api-error.ts'
import { MAX_DISPLAY_NAME } from './metadata.ts'

/** The most objects one page holds; asked for more, the server serves and reports this (wire contract 0.1). */
export const PAGE_LIMIT = 50

/** A parameter has at most nine digits. */
const MAX_INTEGER = 999_999_999

/** In a JSON text a character takes at most six bytes, and those of an id and of what stands around it fit in 64. */
const LONGEST_POSITION = 6 * MAX_DISPLAY_NAME + 64

/** At least the characters of any token: the base64 of the longest position, with its signature. */
const CONTINUE_LIMIT = 4 * Math.ceil(LONGEST_POSITION / 3) + 64

export const ORDER_FIELDS = ['createdAt', 'modifiedAt', 'name', 'displayName'] as const
export type OrderField = (typeof ORDER_FIELDS)[number]

/** Query parameters of every list (guide), for the document: parseListQuery reads what really arrives. */
export const ListQuery = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      description: 'Page size; a larger one than the server allows is served as the largest',
      minimum: 1,
      maximum: MAX_INTEGER,
      default: PAGE_LIMIT,
      examples: [PAGE_LIMIT],
    }),
  ),
  offset: Type.Optional(
    Type.Integer({
      description: 'How many to skip',
      minimum: 0,
      maximum: MAX_INTEGER,
      default: 0,
      examples: [0],
    }),
  ),
  order: Type.Optional(
    Type.Enum(['ASC', 'DESC'], {
      type: 'string',
      description: 'Upwards or downwards',
      default: 'DESC',
      examples: ['DESC'],
    }),
  ),
  orderBy: Type.Optional(
    Type.Enum(ORDER_FIELDS, {
      type: 'string',
      description: 'The field to order by; ties are ordered by id',
      default: 'createdAt',
      examples: ['createdAt'],
    }),
  ),
})

/** The same for the lists that tell where to go on. */
export const ContinuableListQuery = Type.Object({
  ...ListQuery.properties,
  continue: Type.Optional(
    Type.String({
      description:
        'metadata.continue of the page before, in a request with the same orderBy and order and no offset: ' +
        'goes on behind that page, whatever was created or deleted meanwhile',
      maxLength: CONTINUE_LIMIT,
    }),
  ),
})

export interface ListRequest {
  readonly limit: number
  readonly offset: number
  readonly order: 'ASC' | 'DESC'
  readonly orderBy: OrderField
}

/**
 * Reads the token of a request that goes on behind another one's page.
 * @returns undefined when there is none
 * @throws ApiError 400 naming the parameter
 */
export function parseContinue(query: Readonly<Record<string, unknown>>): string | undefined {
  const { continue: token } = query
  if (token === undefined || token === '') return undefined
  if (typeof token !== 'string') throw ApiError.invalid('continue', 'must be given once')
  const { offset } = query
  if (offset !== undefined && offset !== '' && Number(offset) !== 0)
    throw ApiError.invalid('offset', 'must be left out of a request with continue, which says where to begin')
  if (token.length > CONTINUE_LIMIT) throw badContinue()
  return token
}

/** What is said of a token that is none, or another list's. */
export function badContinue(): ApiError {
  return ApiError.invalid(
    'continue',
    'must be metadata.continue of a page of this list, asked for with the same orderBy and order; leave it out to begin anew',
  )
}

function integerOf(field: string, text: string | undefined, fallback: number, minimum: number): number {
  // Published request collections send valueless parameters (`&offset`): they mean the default.
  if (text === undefined || text === '') return fallback
  if (!/^\d{1,9}$/.test(text) || Number(text) < minimum) {
    throw ApiError.invalid(
      field,
      `must be a whole number, ${minimum} or more; got ${JSON.stringify(text.slice(0, 40))}`,
    )
  }
  return Number(text)
}

/**
 * Reads a list's query parameters.
 * @param maximum the largest page that this list serves
 * @throws ApiError 400 naming the parameter
 */
export function parseListQuery(query: Readonly<Record<string, unknown>>, maximum = PAGE_LIMIT): ListRequest {
  const text = (field: string): string | undefined => {
    const value = query[field]
    if (value === undefined || typeof value === 'string') return value
    throw ApiError.invalid(field, 'must be given once')
  }
  const order = (text('order') || 'DESC').toUpperCase()
  if (order !== 'ASC' && order !== 'DESC') throw ApiError.invalid('order', 'must be ASC or DESC')
  const wanted = text('orderBy') || 'createdAt'
  const orderBy = ORDER_FIELDS.find((field) => field === wanted)
  if (!orderBy) throw ApiError.invalid('orderBy', `must be one of ${ORDER_FIELDS.join(', ')}`)
  return {
    limit: Math.min(integerOf('limit', text('limit'), Math.min(PAGE_LIMIT, maximum), 1), maximum),
    offset: integerOf('offset', text('offset'), 0, 0),
    order,
    orderBy,
  }
}
