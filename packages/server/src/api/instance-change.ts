import { ApiError } from '@berth/contract/api-error'
import type { Requester } from '../store/records.ts'
import type { ComputeInstanceRow, ProjectRow } from '../store/schema.ts'
import { nameInWords } from './instance-kind.ts'

/** An instance that a request wants to change, and who asks. */
export interface InstanceChange {
  readonly project: ProjectRow
  readonly instance: ComputeInstanceRow
  readonly requester: Requester
}

/** @throws ApiError 409 while the instance is being deleted */
export function refuseWhileDeleted(instance: ComputeInstanceRow): void {
  if (instance.delete_requested_at === null) return
  throw ApiError.conflict(`${nameInWords(instance)} is being deleted. Apply it again once it is gone.`)
}
