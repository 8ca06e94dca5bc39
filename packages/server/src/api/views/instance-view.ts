import { API_VERSION } from '@berth/contract/api-version'
import type { StatusStep, StatusWord } from '@berth/contract/instance-status'
import { mergeVariables } from '@berth/contract/variable'
import type { ComputeInstanceRow, ProjectRow, WorkspaceRow } from '../../store/schema.ts'
import { maskVariables, type StoredVariable } from '../../store/stored-variable.ts'
import { actionsOf } from '../act-on-instance.ts'
import type { ApiContext } from '../api-context.ts'
import type { InstanceConfiguration } from '../instance-configuration.ts'
import type { Instance } from '../instance-kind.ts'
import { outputView, type Disclosure } from './instance-output-view.ts'
import { metadataView } from './metadata-view.ts'
import { profileSnapshot } from './profile-snapshot.ts'
import { warningsOf } from './warnings-view.ts'

/** An instance of whatever kind as it reads. */
export function instanceView(
  context: ApiContext,
  row: ComputeInstanceRow,
  project: ProjectRow,
  workspace: Pick<WorkspaceRow, 'name'>,
  disclosure: Disclosure,
): Instance {
  const profileVariables = profileSnapshot(row).variables ?? []
  const own = maskVariables(profileVariables, JSON.parse(row.variables) as StoredVariable[])
  const merged = mergeVariables(maskVariables(profileVariables, profileVariables), own)
  const warnings = warningsOf(row, own)
  const spec = JSON.parse(row.spec) as InstanceConfiguration['spec']
  const view = {
    apiVersion: API_VERSION,
    kind: row.kind,
    metadata: metadataView(row, project, workspace.name),
    spec: { ...spec, datacenter: { name: context.datacenter, ...spec.datacenter }, variables: merged },
    status: {
      status: row.status as StatusWord,
      reason: row.reason,
      actions: actionsOf(row),
      powerState: row.power_state,
      network: context.reach,
      output: outputView(context, row, disclosure),
      steps: stepsView(context, row),
      ...(warnings.length === 0 ? {} : { warnings }),
    },
  }
  // What differs between the kinds follows from the row's.
  return view as Instance
}

/** The steps, the one that runs with how long it usually takes. */
function stepsView({ usualSeconds }: ApiContext, row: ComputeInstanceRow): StatusStep[] {
  const steps = JSON.parse(row.steps) as StatusStep[]
  const last = steps.at(-1)
  const usual = last?.state === 'running' ? usualSeconds?.(row, last.name) : undefined
  return last && usual !== undefined ? [...steps.slice(0, -1), { ...last, usualSeconds: usual }] : steps
}
