import { randomUUIDv7 } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SYSTEM_CATALOG, type ProfileRequest } from '@berth/contract/profile'
import canonicalize from 'canonicalize'
import { insertProfile, ownProfile, updateProfile } from '../store/profiles.ts'
import { findProject } from '../store/projects.ts'
import type { Store } from '../store/store.ts'

const CATALOGUE = join(import.meta.dirname, '../../catalogue')
const BERTH = JSON.stringify({ id: 'berth00', username: 'berth' })

/** The profiles that come with Berth, one a file. */
function shippedProfiles(): ProfileRequest[] {
  return readdirSync(CATALOGUE)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(join(CATALOGUE, name), 'utf8')) as ProfileRequest)
}

/** Brings the system catalogue to what this version ships. A profile that an operator has changed stays theirs. */
export async function loadCatalogue(store: Store, organizationId: string): Promise<void> {
  await store.transaction(async (tx) => {
    const project = await findProject(tx, organizationId, SYSTEM_CATALOG)
    if (!project) throw new Error(`The project ${SYSTEM_CATALOG} is missing.`)
    const now = store.clock.now()
    for (const { kind, metadata, spec } of shippedProfiles()) {
      const columns = {
        display_name: metadata.displayName ?? '',
        description: metadata.description ?? '',
        labels: metadata.labels ? JSON.stringify(metadata.labels) : null,
        spec: canonicalize(spec) ?? '{}',
      }
      const existing = await ownProfile(tx, kind, project.id, metadata.name)
      if (!existing) {
        const times = { created_at: now, modified_at: now, created_by: BERTH, modified_by: BERTH }
        await insertProfile(tx, {
          ...columns,
          ...times,
          id: randomUUIDv7(),
          project_id: project.id,
          kind,
          name: metadata.name,
        })
      } else if (existing.modified_by === BERTH && existing.spec !== columns.spec) {
        await updateProfile(tx, existing.id, { ...columns, modified_at: now })
      }
    }
  })
}
