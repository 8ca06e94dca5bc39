import type { ListRequest } from '@berth/contract/list-query'
import { sql } from 'kysely'

/** Where a page ended: the value that its last row is ordered by, and that row's id. */
export interface ListPosition {
  readonly key: string | number
  readonly id: string
}

/** A page that begins behind a position, when it has one, instead of at an offset. */
export interface PageRequest extends ListRequest {
  readonly after?: ListPosition
}

/** One page of rows and how many there are in all. */
export interface Page<Row> {
  readonly rows: Row[]
  readonly total: number
  /** Where the page ended when there are more rows behind it. */
  readonly end?: ListPosition
}

const COLUMNS = {
  createdAt: 'created_at',
  modifiedAt: 'modified_at',
  name: 'name',
  displayName: 'display_name',
} as const

interface ListedRow {
  readonly id: string
  readonly created_at: number
  readonly modified_at: number
  readonly name: string
  readonly display_name: string
}

/** The column and direction to sort by; ties are broken by id in the same direction. */
export function orderOf(list: ListRequest) {
  return {
    column: COLUMNS[list.orderBy],
    direction: list.order === 'ASC' ? ('asc' as const) : ('desc' as const),
  }
}

/**
 * The rows behind a position in a list's order. What is made or removed meanwhile neither shifts nor hides them, as it
 * does with an offset.
 */
export function behind(list: ListRequest, { key, id }: ListPosition, table: string) {
  const { column, direction } = orderOf(list)
  const place = [column, 'id'].map((name) => sql.ref(`${table}.${name}`))
  return sql<boolean>`(${sql.join(place)}) ${sql.raw(direction === 'asc' ? '>' : '<')} (${key}, ${id})`
}

/** @param found the rows of the page and, when there are more, one that is behind it */
export function pageOf<Row extends ListedRow>(list: ListRequest, found: Row[], total: number): Page<Row> {
  const rows = found.slice(0, list.limit)
  const last = rows.at(-1)
  if (found.length <= list.limit || !last) return { rows, total }
  return { rows, total, end: { key: last[COLUMNS[list.orderBy]], id: last.id } }
}
