import { CertificateAuthority, makeAuthority } from '../certificates/certificate-authority.ts'
import { keepAuthority, readAuthority } from '../store/certificate-authority.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { Store } from '../store/store.ts'

/** The installation's authority for services' certificates, made at the first start. */
export async function ensureAuthority(
  store: Store,
  box: SecretBox,
  installId: string,
): Promise<CertificateAuthority> {
  const kept = await readAuthority(store.db, box)
  if (kept) return CertificateAuthority.open(kept)
  const made = await makeAuthority(installId, Date.now())
  await store.transaction((tx) => keepAuthority(tx, box, made))
  return CertificateAuthority.open(made)
}
