import { sql } from 'kysely'
import { updateInstance } from './compute-instances.ts'
import { openSettings } from './published-settings.ts'
import type { SecretBox } from './secret-box.ts'
import { shownSettings } from './shown-settings.ts'
import type { Store } from './store.ts'

const BATCH = 200

/**
 * Writes down what anybody may see of settings that were published before that was kept: it takes the key, which a
 * migration does not have. What this key does not open stays as it is, and whoever reads it is told why.
 */
export async function fillShownSettings(store: Store, box: SecretBox): Promise<void> {
  let last = ''
  for (;;) {
    const rows = await store.db
      .selectFrom('compute_instances')
      .select(['id', 'published_settings'])
      // In the words of the index that holds just these.
      .where(sql<boolean>`published_settings IS NOT NULL AND shown_settings IS NULL`)
      .where('id', '>', last)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    if (rows.length === 0) return
    await store.transaction(async (tx) => {
      for (const row of rows) {
        const settings = opened(box, row)
        if (!settings) continue
        await updateInstance(tx, row.id, { shown_settings: JSON.stringify(shownSettings(settings)) })
      }
    })
    last = rows.at(-1)?.id ?? last
  }
}

function opened(box: SecretBox, row: Parameters<typeof openSettings>[1]) {
  try {
    return openSettings(box, row)
  } catch {
    return null
  }
}
