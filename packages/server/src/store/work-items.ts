import { sql } from 'kysely'
import { AT_ONCE } from './clock.ts'
import type { WorkItemRow } from './schema.ts'
import type { Queryable } from './store.ts'

/** A step's right to write: valid while no later claim has taken the item. */
export interface Lease {
  readonly kind: string
  readonly objectId: string
  readonly token: number
  readonly wakeCount: number
  readonly attempt: number
  readonly deadlineAt: number | null
  /** When the step was due. */
  readonly dueAt: number
}

/** How a finished step leaves its item. */
export interface Settlement {
  /** When to go on; null: nothing to do until somebody wakes it. */
  readonly wakeAt: number | null
  readonly attempt: number
  readonly deadlineAt: number | null
}

/**
 * Makes an object's next step due. Part of the transaction that gave it something to do.
 * @param at now, or AT_ONCE
 */
export async function wake(tx: Queryable, kind: string, objectId: string, at: number): Promise<void> {
  await tx
    .insertInto('work_items')
    .values({
      kind,
      object_id: objectId,
      wake_at: at,
      wake_count: 1,
      deadline_at: null,
      leased_until: null,
      began_at: null,
      late_since: null,
    })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'object_id']).doUpdateSet({
        wake_at: at,
        attempt: 0,
        deadline_at: null,
        late_since: null,
        wake_count: sql<number>`work_items.wake_count + 1`,
      }),
    )
    .execute()
}

/**
 * Claims the item that has been due longest and that nobody holds.
 * @param busy objects that are passed over: the caller is still at work on them, whatever their lease says
 * @returns null when there is none
 */
export async function claim(
  db: Queryable,
  now: number,
  leaseMicros: number,
  busy: readonly string[] = [],
): Promise<Lease | null> {
  const row = await db
    .updateTable('work_items')
    .set({ lease_token: sql<number>`lease_token + 1`, leased_until: now + leaseMicros, began_at: now })
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple('kind', 'object_id'),
        'in',
        selectFrom('work_items')
          .select(['kind', 'object_id'])
          .where('wake_at', '<=', now)
          .$if(busy.length > 0, (items) => items.where('object_id', 'not in', [...busy]))
          .where((where) => where.or([where('leased_until', 'is', null), where('leased_until', '<=', now)]))
          .orderBy('wake_at')
          .limit(1)
          .$asTuple('kind', 'object_id'),
      ),
    )
    .returningAll()
    .executeTakeFirst()
  return row ? leaseOf(row, now) : null
}

/** Extends a lease. False: it was lost. */
export async function renew(db: Queryable, lease: Lease, until: number): Promise<boolean> {
  const result = await db
    .updateTable('work_items')
    .set({ leased_until: until })
    .where('kind', '=', lease.kind)
    .where('object_id', '=', lease.objectId)
    .where('lease_token', '=', lease.token)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/**
 * Gives the item back as the step leaves it. A wake-up that came in the meantime keeps it due.
 * @returns false when the lease was lost: the caller's transaction must then be rolled back
 */
export async function settle(
  tx: Queryable,
  lease: Lease,
  settlement: Settlement,
  now: number,
): Promise<boolean> {
  const row = await tx
    .selectFrom('work_items')
    .selectAll()
    .where('kind', '=', lease.kind)
    .where('object_id', '=', lease.objectId)
    .executeTakeFirst()
  if (!row || row.lease_token !== lease.token) return false
  const woken = row.wake_count !== lease.wakeCount
  await tx
    .updateTable('work_items')
    .set({
      leased_until: null,
      began_at: null,
      late_since: null,
      wake_at: woken ? now : settlement.wakeAt,
      attempt: woken ? 0 : settlement.attempt,
      deadline_at: woken ? null : settlement.deadlineAt,
    })
    .where('kind', '=', lease.kind)
    .where('object_id', '=', lease.objectId)
    .execute()
  return true
}

/** Forgets the item of an object that is gone. */
export async function forget(tx: Queryable, lease: Lease): Promise<boolean> {
  const result = await tx
    .deleteFrom('work_items')
    .where('kind', '=', lease.kind)
    .where('object_id', '=', lease.objectId)
    .where('lease_token', '=', lease.token)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Forgets an object's item whoever holds it: the step that runs has lost its lease, and writes nothing. */
export async function forgetObject(tx: Queryable, kind: string, objectId: string): Promise<void> {
  await tx.deleteFrom('work_items').where('kind', '=', kind).where('object_id', '=', objectId).execute()
}

/** When the next item is due that nobody holds, or a held one's lease runs out; null: never. */
export async function nextDue(db: Queryable, busy: readonly string[] = []): Promise<number | null> {
  const items = db
    .selectFrom('work_items')
    .where('wake_at', 'is not', null)
    .$if(busy.length > 0, (all) => all.where('object_id', 'not in', [...busy]))
  // Apart, since only a few are held, and the first of the others is at the beginning of an index.
  const free = await items
    .select('wake_at as due')
    .where('leased_until', 'is', null)
    .orderBy('wake_at')
    .limit(1)
    .executeTakeFirst()
  const held = await items
    .select(
      sql<number | null>`min(case when leased_until > wake_at then leased_until else wake_at end)`.as('due'),
    )
    .where('leased_until', 'is not', null)
    .executeTakeFirst()
  const dues = [free?.due ?? null, held?.due ?? null].filter((due) => due !== null)
  return dues.length === 0 ? null : Math.min(...dues)
}

/**
 * Notes which items are late: their step began before `before` and has not ended, or has been due since then and
 * nobody began it. What another process woke with AT_ONCE has no time that it has been due since.
 * @returns those of which it was not known
 */
export async function noteLate(tx: Queryable, before: number, now: number): Promise<WorkItemRow[]> {
  return tx
    .updateTable('work_items')
    .set({ late_since: now })
    .where('late_since', 'is', null)
    .where(({ or, and, eb }) =>
      or([
        eb('began_at', '<', before),
        and([eb('began_at', 'is', null), eb('wake_at', '>', AT_ONCE), eb('wake_at', '<', before)]),
      ]),
    )
    .returningAll()
    .execute()
}

/** Items that a server has found late: the stuck ones. */
export async function lateItems(db: Queryable): Promise<WorkItemRow[]> {
  return db.selectFrom('work_items').selectAll().where('late_since', 'is not', null).execute()
}

/**
 * Ends every lease and makes every item due. Called once at start, by the only process that may hold
 * leases: whatever was under way when the last one died goes on now.
 */
export async function releaseAll(db: Queryable, now: number): Promise<void> {
  await db
    .updateTable('work_items')
    .set({ leased_until: null, began_at: null, late_since: null, lease_token: sql<number>`lease_token + 1` })
    .where(({ or, eb }) => or([eb('leased_until', '>', 0), eb('late_since', '>', 0)]))
    .execute()
  await db.updateTable('work_items').set({ wake_at: now }).where('wake_at', 'is not', null).execute()
}

function leaseOf(row: WorkItemRow, now: number): Lease {
  return {
    kind: row.kind,
    objectId: row.object_id,
    token: row.lease_token,
    wakeCount: row.wake_count,
    attempt: row.attempt,
    deadlineAt: row.deadline_at,
    // Only what is due is claimed.
    dueAt: row.wake_at === null || row.wake_at === AT_ONCE ? now : row.wake_at,
  }
}
