import { randomInt } from 'node:crypto'
import { ApiError } from '@berth/contract/api-error'
import { machineSettings } from '@berth/contract/machine-settings'
import type { Caller } from '../auth/caller.ts'
import { updateInstance } from '../store/compute-instances.ts'
import { openSettings, sealSettings, type PublishedSettings } from '../store/published-settings.ts'
import { recordAudit, recordEvent, subjectOf, type Requester } from '../store/records.ts'
import type { ComputeInstanceRow, ProjectRow } from '../store/schema.ts'
import type { Tx } from '../store/store.ts'
import { openVariables, type StoredVariable } from '../store/stored-variable.ts'
import { wake } from '../store/work-items.ts'
import type { ApiContext } from './api-context.ts'
import { beginDeployment } from './begin-deployment.ts'
import { profileSnapshot } from './views/profile-snapshot.ts'

const DEFAULT_GUEST_IMAGE = 'debian-12'
const PASSWORD_LENGTH = 20
/** Without the letters and digits that people mistake for each other. */
const PASSWORD_ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

export interface Publish {
  readonly project: ProjectRow
  readonly instance: ComputeInstanceRow
  readonly caller: Caller
  readonly requester: Requester
}

/**
 * Asks for the applied configuration to become real (guide, "Deploy Virtual Machine"). Of an unchanged,
 * deployed instance it does nothing; of a failed one it tries again (design "Status").
 * @throws ApiError 409 while it is being deleted
 */
export async function publishComputeInstance(
  context: ApiContext,
  tx: Tx,
  publish: Publish,
): Promise<ComputeInstanceRow> {
  const { instance } = publish
  if (instance.delete_requested_at !== null) {
    throw ApiError.conflict(
      `Compute instance ${JSON.stringify(instance.name)} is being deleted. Apply it again once it is gone.`,
    )
  }
  if (instance.deploy_generation === instance.generation && instance.status !== 'failed') return instance
  const now = context.store.clock.now()
  const row = await updateInstance(tx, instance.id, {
    deploy_generation: instance.generation,
    published_settings: sealSettings(context.secretBox, instance.id, settingsOf(context, publish)),
    ...beginDeployment(instance, now),
  })
  await wake(tx, row.kind, row.id, now)
  const subject = subjectOf(row)
  await recordAudit(tx, now, publish.requester, 'publish', subject)
  await recordEvent(tx, now, subject, 'published', 'Deployment asked for.')
  return row
}

function settingsOf(context: ApiContext, { project, instance }: Publish): PublishedSettings {
  const profile = profileSnapshot(instance)
  const place = `${project.organization_id}/${project.id}/${instance.id}`
  const own = openVariables(context.secretBox, place, JSON.parse(instance.variables) as StoredVariable[])
  const settings = machineSettings(profile.variables ?? [], own)
  const guestImage = profile.guestImage ?? DEFAULT_GUEST_IMAGE
  if (settings.password !== '' || settings.sshKeys.length > 0) {
    return { ...settings, guestImage, passwordGenerated: false }
  }
  const previous = openSettings(context.secretBox, instance)
  const password = previous?.passwordGenerated ? previous.password : generatePassword()
  return { ...settings, password, guestImage, passwordGenerated: true }
}

function generatePassword(): string {
  return Array.from(
    { length: PASSWORD_LENGTH },
    () => PASSWORD_ALPHABET[randomInt(PASSWORD_ALPHABET.length)],
  ).join('')
}
