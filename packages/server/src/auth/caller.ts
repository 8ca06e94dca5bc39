import type { Principal } from '@berth/contract/principal'
import type { ApiKeyRow } from '../store/schema.ts'

/** Who sent a request, as its key says. */
export interface Caller {
  readonly keyId: string
  readonly organizationId: string
  readonly role: ApiKeyRow['role']
  readonly principal: Principal
}

/** Whether the caller may change objects, and so may see the secrets of one that it reads. */
export function mayWrite(caller: Caller): boolean {
  return caller.role === 'operator'
}
