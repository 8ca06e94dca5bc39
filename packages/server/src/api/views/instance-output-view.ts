import type { ComputeInstance } from '@berth/contract/compute-instance'
import { MASK } from '@berth/contract/mask'
import type { Service } from '@berth/contract/service'
import { serviceOutput, type Place } from '@berth/contract/service-output'
import { portForwardsText, vmOutput } from '@berth/contract/vm-output'
import { machineFacts } from '../../store/machine-facts.ts'
import { openSettings } from '../../store/published-settings.ts'
import type { ComputeInstanceRow } from '../../store/schema.ts'
import type { ShownSettings } from '../../store/shown-settings.ts'
import { waysInOf, type WaysIn } from '../../store/ways-in.ts'
import type { ApiContext } from '../api-context.ts'
import { profileSnapshot } from './profile-snapshot.ts'

/** Whether the reader gets secrets in `status.output`: only one object's, only who may write it (design "Secrets"). */
export type Disclosure = 'clear' | 'masked'

/** How to reach the guest and what runs on it, once it was deployed. */
export function outputView(
  context: ApiContext,
  row: ComputeInstanceRow,
  disclosure: Disclosure,
): ComputeInstance['status']['output'] | Service['status']['output'] {
  const settings = settingsFor(context, row, disclosure)
  const facts = machineFacts(row)
  if (facts === null || settings === null) return {}
  const waysIn = waysInOf(row)
  const ssh = waysIn.ssh ?? (waysIn.beyondHost === true ? null : operatorSsh(row))
  if (row.kind === 'Service') {
    const { application = null } = settings
    return serviceOutput(
      {
        template: profileSnapshot(row).serviceType ?? 'service',
        application,
        applicationPlace: application && placeOf(waysIn, application.port),
        ssh,
        username: facts.user,
        password: settings.password,
        privateAddress: facts.address,
        publicAddress: waysIn.publicAddress,
      },
      disclosure === 'masked',
    )
  }
  const password = disclosure === 'clear' || settings.password === '' ? settings.password : MASK
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

/** What a reader may know of the published settings; the secrets are opened only for who gets them. */
function settingsFor(
  { secretBox }: ApiContext,
  row: ComputeInstanceRow,
  disclosure: Disclosure,
): ShownSettings | null {
  if (disclosure === 'clear' || row.shown_settings === null) return openSettings(secretBox, row)
  return JSON.parse(row.shown_settings) as ShownSettings
}

/** Where a TCP port of the guest is reached from outside; null where nothing leads there. */
function placeOf({ publicAddress, forwards }: WaysIn, port: number): Place | null {
  if (publicAddress !== '') return { address: publicAddress, port }
  const forward = forwards.find((one) => one.protocol === 'tcp' && one.internalPort === port)
  return forward ? { address: forward.address, port: forward.port } : null
}

/** The operator's own forward, where tenants have no way to SSH. */
function operatorSsh({ ssh_address, ssh_port }: ComputeInstanceRow): Place | null {
  return ssh_address === null || ssh_port === null ? null : { address: ssh_address, port: ssh_port }
}
