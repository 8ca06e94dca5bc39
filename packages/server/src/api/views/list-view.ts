import { API_VERSION } from '@berth/contract/api-version'
import type { ListRequest } from '@berth/contract/list-query'

/** A list's answer: the total as `count`, the page size really applied as `limit` (wire contract 0.1). */
export function listView<Item>(kind: string, list: ListRequest, total: number, items: Item[]) {
  return {
    apiVersion: API_VERSION,
    kind: `${kind}List`,
    metadata: {
      count: total,
      limit: list.limit,
      ...(list.offset === 0 ? {} : { offset: list.offset }),
    },
    items,
  }
}
