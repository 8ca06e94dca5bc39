import type { ComputeInstanceRow } from './schema.ts'
import type { Queryable } from './store.ts'

/** The object that an event or an audit record is about. */
export interface Subject {
  readonly projectId: string | null
  readonly kind: string
  readonly id: string
  readonly name: string
}

export function subjectOf(row: Pick<ComputeInstanceRow, 'project_id' | 'kind' | 'id' | 'name'>): Subject {
  return { projectId: row.project_id, kind: row.kind, id: row.id, name: row.name }
}

/** Something that happened to an object; for users and watchers. Never holds a secret. */
export async function recordEvent(
  tx: Queryable,
  at: number,
  subject: Subject,
  type: string,
  message: string,
): Promise<void> {
  await tx
    .insertInto('events')
    .values({
      at,
      project_id: subject.projectId,
      object_kind: subject.kind,
      object_id: subject.id,
      object_name: subject.name,
      type,
      message,
    })
    .execute()
}

/** Who asked. */
export interface Requester {
  readonly requestId: string
  readonly keyId: string
  readonly username: string
  readonly sourceIp: string
}

/**
 * Who did what to an object. One per accepted change, in the change's own transaction.
 * @param detail what the operation left behind, where it did
 */
export async function recordAudit(
  tx: Queryable,
  at: number,
  requester: Requester,
  operation: string,
  subject: Subject,
  detail: string | null = null,
): Promise<void> {
  await tx
    .insertInto('audit_records')
    .values({
      at,
      request_id: requester.requestId,
      key_id: requester.keyId,
      username: requester.username,
      source_ip: requester.sourceIp,
      operation,
      project_id: subject.projectId,
      object_kind: subject.kind,
      object_id: subject.id,
      object_name: subject.name,
      detail,
    })
    .execute()
}
