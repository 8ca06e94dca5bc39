import type { ComputeInstanceSpec } from '@berth/contract/compute-instance'
import type { Variable } from '@berth/contract/variable'
import { updateInstance } from '../store/compute-instances.ts'
import { findProfile } from '../store/profiles.ts'
import { recordAudit, recordEvent, subjectOf } from '../store/records.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { settingsColumns } from '../store/shown-settings.ts'
import type { Tx } from '../store/store.ts'
import { wake } from '../store/work-items.ts'
import type { ApiContext } from './api-context.ts'
import { beginDeployment } from './begin-deployment.ts'
import { refuseWhileDeleted, type InstanceChange } from './instance-change.ts'
import { settingsToPublish } from './settings-to-publish.ts'
import { refuseUnrealisable } from './unrealisable-profile.ts'
import { labelsOf, profileLabelsOf, wantsStoredLabels } from './views/profile-labels.ts'
import { profileSnapshot } from './views/profile-snapshot.ts'

/**
 * Asks for the applied configuration to become real (guide, "Deploy Virtual Machine", "Deploy
 * Service"). Of an unchanged,
 * deployed instance it does nothing; of a failed one it tries again (design "Status").
 * @throws ApiError 409 while it is being deleted, 400 when its profile cannot be deployed or its disk would shrink
 */
export async function publishInstance(
  context: ApiContext,
  tx: Tx,
  change: InstanceChange,
): Promise<ComputeInstanceRow> {
  const { instance } = change
  refuseWhileDeleted(instance)
  const profile = { spec: profileSnapshot(instance), labels: await profileLabels(tx, change) }
  refuseUnrealisable(instance.kind, profile, JSON.parse(instance.variables) as Variable[])
  if (instance.deploy_generation === instance.generation && instance.status !== 'failed') return instance
  const now = context.store.clock.now()
  const row = await updateInstance(tx, instance.id, {
    deploy_generation: instance.generation,
    ...settingsColumns(context.secretBox, instance.id, settingsToPublish(context, change)),
    ...beginDeployment(instance, now),
  })
  await wake(tx, row.kind, row.id, now)
  const subject = subjectOf(row)
  await recordAudit(tx, now, change.requester, 'publish', subject)
  await recordEvent(tx, now, subject, 'published', 'Deployment asked for.')
  return row
}

/** The labels of the instance's profile; looked up only where what the instance keeps does not tell. */
async function profileLabels(tx: Tx, { instance, project }: InstanceChange) {
  if (!wantsStoredLabels(instance)) return profileLabelsOf(instance)
  const { computeProfile } = JSON.parse(instance.spec) as ComputeInstanceSpec
  const stored = await findProfile(tx, 'ComputeProfile', computeProfile.name, {
    organizationId: project.organization_id,
    projectId: project.id,
    systemCatalogOnly: computeProfile.systemCatalog === true,
  })
  return profileLabelsOf(instance, stored && labelsOf(stored))
}
