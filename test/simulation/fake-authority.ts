import {
  CertificateAuthority,
  makeAuthority,
} from '../../packages/server/src/certificates/certificate-authority.ts'

let made: Promise<CertificateAuthority> | undefined

/** Made once for all runs: its key is random, and nothing of a run depends on it. */
export function fakeAuthority(): Promise<CertificateAuthority> {
  made ??= makeAuthority('sim123', 0).then((keys) => CertificateAuthority.open(keys))
  return made
}
