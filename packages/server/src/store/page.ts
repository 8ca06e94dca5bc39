import type { ListRequest } from '@berth/contract/list-query'

/** One page of rows and how many there are in all. */
export interface Page<Row> {
  readonly rows: Row[]
  readonly total: number
}

const COLUMNS = {
  createdAt: 'created_at',
  modifiedAt: 'modified_at',
  name: 'name',
  displayName: 'display_name',
} as const

/** The column and direction to sort by; ties are broken by id in the same direction. */
export function orderOf(list: ListRequest) {
  return {
    column: COLUMNS[list.orderBy],
    direction: list.order === 'ASC' ? ('asc' as const) : ('desc' as const),
  }
}
