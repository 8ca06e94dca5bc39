import { API_VERSION } from '@berth/contract/api-version'
import type { ComputeInstance, ComputeInstanceSpec } from '@berth/contract/compute-instance'
import {
  availableActions,
  type InstanceOutput,
  type StatusStep,
  type StatusWord,
} from '@berth/contract/instance-status'
import { MASK } from '@berth/contract/mask'
import { mergeVariables } from '@berth/contract/variable'
import { portForwardsText, vmOutput } from '@berth/contract/vm-output'
import { openSettings } from '../../store/published-settings.ts'
import type { ComputeInstanceRow, ProjectRow, WorkspaceRow } from '../../store/schema.ts'
import { waysInOf } from '../../store/ways-in.ts'
import { maskVariables, type StoredVariable } from '../../store/stored-variable.ts'
import type { ApiContext } from '../api-context.ts'
import { metadataView } from './metadata-view.ts'
import { profileSnapshot } from './profile-snapshot.ts'

/** Whether the reader gets secrets in `status.output`: only one object's, only who may write it (design "Secrets"). */
export type Disclosure = 'clear' | 'masked'

export function computeInstanceView(
  context: ApiContext,
  row: ComputeInstanceRow,
  project: ProjectRow,
  workspace: Pick<WorkspaceRow, 'name'>,
  disclosure: Disclosure,
): ComputeInstance {
  const profileVariables = profileSnapshot(row).variables ?? []
  const own = maskVariables(profileVariables, JSON.parse(row.variables) as StoredVariable[])
  const merged = mergeVariables(maskVariables(profileVariables, profileVariables), own)
  const spec = JSON.parse(row.spec) as ComputeInstanceSpec
  const status = row.status as StatusWord
  return {
    apiVersion: API_VERSION,
    kind: 'ComputeInstance',
    metadata: metadataView(row, project, workspace.name),
    spec: { ...spec, datacenter: { name: context.datacenter, ...spec.datacenter }, variables: merged },
    status: {
      status,
      reason: row.reason,
      actions: availableActions({
        status,
        powerState: row.power_state,
        machinePresent: row.machine_present === 1,
      }),
      powerState: row.power_state,
      output: outputOf(context, row, disclosure),
      steps: JSON.parse(row.steps) as StatusStep[],
    },
  }
}

/** How to reach the guest, once it was deployed. */
function outputOf(context: ApiContext, row: ComputeInstanceRow, disclosure: Disclosure): InstanceOutput {
  const settings = openSettings(context.secretBox, row)
  if (row.machine_facts === null || settings === null) return {}
  const facts = JSON.parse(row.machine_facts) as { address: string; osName: string; user: string }
  const password = disclosure === 'clear' || settings.password === '' ? settings.password : MASK
  const waysIn = waysInOf(row)
  const ssh = waysIn.ssh ?? operatorSsh(row)
  return vmOutput({
    Hostname: row.name,
    OSName: facts.osName,
    Username: facts.user,
    Password: password,
    'Private IP': facts.address,
    'Public IP': waysIn.publicAddress,
    Port: ssh === null ? '' : String(ssh.port),
    'Port Forwards': portForwardsText(waysIn.forwards),
    ServerHost: ssh?.address ?? '',
  })
}

/** The operator's own forward, where tenants have no way to SSH. */
function operatorSsh({ ssh_address, ssh_port }: ComputeInstanceRow) {
  return ssh_address === null || ssh_port === null ? null : { address: ssh_address, port: ssh_port }
}
