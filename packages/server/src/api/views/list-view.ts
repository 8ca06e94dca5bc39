import { API_VERSION } from '@berth/contract/api-version'
import type { Page, PageRequest } from '../../store/page.ts'
import type { ContinuedList } from '../continued-list.ts'

/** A list's answer: the total as `count`, the page size really applied as `limit` (wire contract 0.1). */
export function listView<Row, Item>(
  kind: string,
  { list, wanted, page }: { list: ContinuedList; wanted: PageRequest; page: Page<Row> },
  view: (row: Row) => Item,
) {
  return {
    apiVersion: API_VERSION,
    kind: `${kind}List`,
    metadata: {
      count: page.total,
      limit: wanted.limit,
      ...(wanted.offset === 0 ? {} : { offset: wanted.offset }),
      ...(page.end ? { continue: list.tokenFor(wanted, page.end) } : {}),
    },
    items: page.rows.map(view),
  }
}
