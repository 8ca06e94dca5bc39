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

/** A catalogue file: a profile, or what sets it apart from the one that it extends. */
type CatalogueFile = ProfileRequest & { readonly extends?: string }

/** The profiles that come with Berth, one a file. */
export function shippedProfiles(): ProfileRequest[] {
  return readdirSync(CATALOGUE)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => readProfile(name.slice(0, -'.json'.length)))
}

/** The guest images that the profiles which come with Berth boot; first the one that most of them do. */
export function wantedImages(): string[] {
  const images = shippedProfiles().flatMap(({ spec }) => spec.guestImage ?? [])
  const uses = (image: string) => images.filter((it) => it === image).length
  return [...new Set(images)].toSorted((one, other) => uses(other) - uses(one))
}

function readProfile(name: string): ProfileRequest {
  const file = JSON.parse(readFileSync(join(CATALOGUE, `${name}.json`), 'utf8')) as CatalogueFile
  const { extends: base, ...profile } = file
  if (base === undefined) return profile
  return { ...profile, spec: overlay(readProfile(base).spec, profile.spec) as ProfileRequest['spec'] }
}

/** Objects are laid over each other member by member, lists of named things name by name; else the upper one counts. */
function overlay(lower: unknown, upper: unknown): unknown {
  if (isNamedList(lower) && isNamedList(upper)) {
    const uppers = new Map(upper.map((item) => [item.name, item]))
    const laid = lower.map((item) => overlay(item, uppers.get(item.name) ?? {}))
    const names = new Set(lower.map((item) => item.name))
    return [...laid, ...upper.filter((item) => !names.has(item.name))]
  }
  if (!isObject(lower) || !isObject(upper)) return upper
  const laid = Object.entries(upper).map(([key, value]) => [
    key,
    key in lower ? overlay(lower[key], value) : value,
  ])
  return { ...lower, ...Object.fromEntries(laid) }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamedList(value: unknown): value is { readonly name: string }[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && typeof item.name === 'string')
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
