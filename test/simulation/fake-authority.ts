import {
  CertificateAuthority,
  makeAuthority,
} from '../../packages/server/src/certificates/certificate-authority.ts'
import { SIMULATED_PUBLIC_KEY } from '../../packages/server/src/drivers/simulated/simulated-key.ts'

let made: Promise<CertificateAuthority> | undefined

/** Made once for all runs: its key is random, and nothing of a run depends on it. */
export function fakeAuthority(): Promise<CertificateAuthority> {
  made ??= makeFakeAuthority()
  return made
}

/** One certificate serves all: signing is done by another thread, which decides itself when it is ready. */
async function makeFakeAuthority(): Promise<CertificateAuthority> {
  const authority = await CertificateAuthority.open(await makeAuthority('sim123', 0))
  const certificate = await authority.issue(SIMULATED_PUBLIC_KEY, ['10.64.0.2'], 0)
  authority.issue = async () => certificate
  return authority
}
