import { ApiError } from '@berth/contract/api-error'
import { machineSettings } from '@berth/contract/machine-settings'
import { meantVariables } from '@berth/contract/machine-variables'
import type { Variable } from '@berth/contract/variable'
import { meaningOf } from '@berth/contract/variable-meaning'
import { diskGibOf } from '../store/machine-facts.ts'
import { openSettings, type PublishedSettings } from '../store/published-settings.ts'
import type { ComputeInstanceRow } from '../store/schema.ts'
import type { ApiContext } from './api-context.ts'
import { canonicalJson } from './canonical-json.ts'
import type { InstanceConfiguration } from './instance-configuration.ts'

/**
 * Refuses an apply by which its user asks a machine for a smaller disk than it has: a disk never shrinks. A
 * profile that has become smaller is no wish of the user's, and passes; the machine keeps its disk.
 * @throws ApiError 400 naming the size that the disk has
 */
export function refuseSmallerDisk(
  context: ApiContext,
  row: ComputeInstanceRow,
  before: InstanceConfiguration,
  asked: InstanceConfiguration,
): void {
  const present = diskGibOf(row) ?? publishedDiskGib(context, row)
  if (present === null) return
  const wanted = diskGib(asked.profile.variables, asked.variables)
  if (wanted >= present) return
  const sameProfile = referenceOf(before) === referenceOf(asked)
  const unchanged = diskGib((sameProfile ? asked : before).profile.variables, before.variables)
  if (wanted !== unchanged) throw tooSmall(asked, wanted, present)
}

/**
 * Refuses a publish of a smaller disk that was applied before the machine had its larger one.
 * @param published what was published before
 * @throws ApiError 400 naming the size that the disk has
 */
export function refuseToShrink(
  row: ComputeInstanceRow,
  configuration: InstanceConfiguration,
  published: PublishedSettings | null,
): void {
  if (row.machine_present === 0 || published === null) return
  const present = diskGibOf(row) ?? published.diskGib
  const { profile, variables } = configuration
  const wanted = diskGib(profile.variables, variables)
  const isOwn = meantVariables(profile.variables ?? [], variables).get('disk')?.isOwn === true
  if (isOwn && wanted < present && wanted !== published.diskGib)
    throw tooSmall(configuration, wanted, present)
}

function publishedDiskGib(context: ApiContext, row: ComputeInstanceRow): number | null {
  return row.machine_present === 0 ? null : (openSettings(context.secretBox, row)?.diskGib ?? null)
}

function diskGib(profile: readonly Variable[] = [], own: readonly Variable[] = []): number {
  return machineSettings(profile, own).diskGib
}

function referenceOf({ spec }: InstanceConfiguration): string {
  const { computeProfile, serviceProfile } = spec as { computeProfile?: object; serviceProfile?: object }
  return canonicalJson(computeProfile ?? serviceProfile ?? {})
}

function tooSmall(
  { profile: { variables: profile = [] }, variables }: InstanceConfiguration,
  wanted: number,
  present: number,
): ApiError {
  const variable = [...profile, ...variables].find(({ name }) => meaningOf(profile, name) === 'disk')
  return ApiError.invalid(
    variable?.name ?? 'Guest Disk Size',
    `asks for a disk of ${wanted} GiB; the machine's has ${present} GiB, and a disk never shrinks: ask for ${present} GiB or more, or delete the instance and create it again`,
  )
}
