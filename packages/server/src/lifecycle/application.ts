import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import { certificateEnd, type CertificateAuthority } from '../certificates/certificate-authority.ts'
import type { ApplicationObservation, GuestApplication } from '../drivers/machine-driver.ts'
import type { PublishedSettings } from '../store/published-settings.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { waysInOf } from '../store/ways-in.ts'
import { lineWithoutSecrets, withoutSecrets } from './application-words.ts'
import type { Host } from './host.ts'
import { startedSize } from './machine-size.ts'

const MILLISECOND = 1_000
const RENEW_BEFORE_DAYS = 30
const DAY_MS = 86_400_000

/** A certificate that a service has, and what it was made for. */
interface ServiceCertificate {
  readonly chain: string
  readonly names: readonly string[]
  readonly publicKey: string
}

export interface ApplicationInput {
  readonly row: ComputeInstanceRow
  readonly settings: PublishedSettings
  /** The guest's address in its project, without prefix. */
  readonly guestAddress: string
  readonly authority: CertificateAuthority
  /** Microseconds since 1970. */
  readonly now: number
}

/**
 * The application that the running machine can serve: what its settings ask for, with the image that it was
 * started with. Null while it has none: switched off, or switched on since and waiting for the next start.
 */
export function servedApplication({ row, settings }: Pick<ApplicationInput, 'row' | 'settings'>) {
  const { application } = settings
  const container = startedSize(row)?.container
  return application?.enabled === true && container ? { application, imageId: container.imageId } : null
}

/** Brings the guest to the application as published. @returns the certificate that it serves with, for its row */
export async function ensureApplication(host: Host, input: ApplicationInput): Promise<string | null> {
  const { row } = input
  const served = servedApplication(input)
  if (served === null) {
    await host.driver.ensureApplication(row.id, null)
    return null
  }
  const certificate = served.application.tls ? await certificateFor(host, input, served.application) : null
  await host.driver.ensureApplication(
    row.id,
    guestApplication(served.application, served.imageId, certificate, input.authority),
  )
  return certificate && JSON.stringify(certificate)
}

/** Brings a guest whose application an earlier server set up to this one; nothing in it restarts. */
export async function adoptApplication(
  host: Host,
  input: Pick<ApplicationInput, 'row' | 'settings'>,
): Promise<void> {
  if (servedApplication(input) !== null) await host.driver.adoptApplication(input.row.id)
}

/** What the application does now; its words have no secret in them. Null where none is to run. */
export async function observeApplication(
  host: Host,
  input: Pick<ApplicationInput, 'row' | 'settings' | 'authority'>,
): Promise<ApplicationObservation | null> {
  const served = servedApplication(input)
  if (served === null) return null
  const { application, imageId } = served
  const certificate = certificateOf(input.row)
  const seen = await host.driver.observeApplication(
    input.row.id,
    guestApplication(application, imageId, certificate, input.authority),
  )
  const { secrets } = application
  return {
    ...seen,
    detail: withoutSecrets(seen.detail, secrets),
    log: seen.log.map((line) => lineWithoutSecrets(line, secrets)),
    ...(seen.engineError === undefined ? {} : { engineError: withoutSecrets(seen.engineError, secrets) }),
  }
}

/** Whether the service's certificate ends soon enough to be made anew. */
export function needsRenewal(row: Pick<ComputeInstanceRow, 'certificate'>, now: number): boolean {
  const certificate = certificateOf(row)
  return certificate !== null && endsSoon(certificate.chain, now)
}

async function certificateFor(
  host: Host,
  { row, guestAddress, authority, now }: ApplicationInput,
  application: ApplicationSettings,
): Promise<ServiceCertificate> {
  const publicKey = await host.driver.applicationKey(row.id)
  const names = certificateNames(row, application, guestAddress)
  const present = certificateOf(row)
  const fits =
    present !== null &&
    present.publicKey === publicKey &&
    JSON.stringify(present.names) === JSON.stringify(names) &&
    !endsSoon(present.chain, now)
  return fits
    ? present
    : { chain: await authority.issue(publicKey, names, now / MILLISECOND), names, publicKey }
}

/** The service's name, and every address that it can be reached at. */
function certificateNames(
  row: ComputeInstanceRow,
  { hostname }: ApplicationSettings,
  guestAddress: string,
): string[] {
  const { publicAddress, forwards } = waysInOf(row)
  const names = [hostname, publicAddress, ...forwards.map(({ address }) => address), guestAddress]
  return [...new Set(names.filter((name) => name !== ''))]
}

function certificateOf({ certificate }: Pick<ComputeInstanceRow, 'certificate'>): ServiceCertificate | null {
  return certificate === null ? null : (JSON.parse(certificate) as ServiceCertificate)
}

function endsSoon(chain: string, now: number): boolean {
  return certificateEnd(chain) - now / MILLISECOND < RENEW_BEFORE_DAYS * DAY_MS
}

function guestApplication(
  application: ApplicationSettings,
  imageId: string,
  certificate: ServiceCertificate | null,
  authority: CertificateAuthority,
): GuestApplication {
  const tls =
    certificate === null || !application.tls
      ? null
      : { chain: certificate.chain, root: authority.root, name: certificate.names[0] ?? '' }
  const { generated: _generated, outputs: _outputs, secrets: _secrets, ...served } = application
  return { ...served, imageId, tls }
}
