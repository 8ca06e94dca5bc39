import { timingSafeEqual } from 'node:crypto'
import { ApiError } from '@berth/contract/api-error'
import { findApiKey } from '../store/api-keys.ts'
import type { Store } from '../store/store.ts'
import { apiKeyId, hashApiKey } from './api-key-format.ts'
import type { Caller } from './caller.ts'

const REFUSED = 'The API key is not valid. Send a valid key in the x-api-key header.'

/**
 * Finds the caller behind a key. A signature that some clients add is neither demanded nor checked
 * (wire contract 0.10).
 * @throws ApiError 401; the same for an unknown, a wrong, an expired and a revoked key
 */
export async function authenticate(store: Store, key: string | undefined): Promise<Caller> {
  if (!key) throw new ApiError('Unauthorized', 'An API key is required: send it in the x-api-key header.')
  const id = apiKeyId(key)
  const row = id === null ? undefined : await findApiKey(store.db, id)
  if (!row || !sameHash(row.hash, hashApiKey(key))) throw new ApiError('Unauthorized', REFUSED)
  if (row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= store.clock.now())) {
    throw new ApiError('Unauthorized', REFUSED)
  }
  return {
    keyId: row.id,
    organizationId: row.organization_id,
    role: row.role,
    principal: { id: row.user_id, username: row.username },
  }
}

function sameHash(stored: string, given: string): boolean {
  return timingSafeEqual(Buffer.from(stored, 'hex'), Buffer.from(given, 'hex'))
}
