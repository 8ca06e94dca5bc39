import type { SecretBox } from './secret-box.ts'
import type { Queryable } from './store.ts'

/** The root's certificate and private key, both PEM. */
interface StoredAuthority {
  readonly certificate: string
  readonly key: string
}

const PLACE = 'installation/certificate-authority'

/** The authority that signs services' certificates; null until one is kept. */
export async function readAuthority(db: Queryable, box: SecretBox): Promise<StoredAuthority | null> {
  const row = await db.selectFrom('installation').select(['ca_certificate', 'ca_key']).executeTakeFirst()
  if (!row?.ca_certificate || !row.ca_key) return null
  return { certificate: row.ca_certificate, key: box.open(PLACE, row.ca_key) }
}

/** Keeps the authority of this installation; one that is kept already stays. */
export async function keepAuthority(
  tx: Queryable,
  box: SecretBox,
  authority: StoredAuthority,
): Promise<void> {
  await tx
    .updateTable('installation')
    .set({ ca_certificate: authority.certificate, ca_key: box.seal(PLACE, authority.key) })
    .where('ca_certificate', 'is', null)
    .execute()
}
