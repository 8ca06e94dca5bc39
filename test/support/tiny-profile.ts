import type { FirewallRule, PortForward } from '@berth/contract/network-rules'
import { instanceBody } from './api-client.ts'

/** A profile of the smallest real guest, for tests that need many boots. */
export const TINY_PROFILE = {
  apiVersion: 'paas.envmgmt.io/v1',
  kind: 'ComputeProfile',
  metadata: { name: 'tiny' },
  spec: {
    guestImage: 'tiny',
    variables: [
      { name: 'Guest CPU Count', value: '1' },
      { name: 'Guest Memory Size', value: '128' },
      { name: 'Guest Disk Size', value: '1' },
    ],
  },
}

/** An apply body for an instance of that profile. */
export function tinyBody(name: string) {
  const body = instanceBody(name, [], 'tiny')
  return { ...body, spec: { ...body.spec, computeProfile: { name: 'tiny' } } }
}

/** What may reach a tiny guest, and by which ways. */
export interface TinyNetwork {
  readonly publicIp?: boolean
  readonly rules?: readonly FirewallRule[]
  readonly forwards?: readonly PortForward[]
}

/** The same with a network of its own. */
export function networkedBody(name: string, { publicIp = false, rules = [], forwards = [] }: TinyNetwork) {
  const body = tinyBody(name)
  const variables = [
    { name: 'Assign Public IP to Guest', value: publicIp ? 'True' : 'False' },
    { name: 'Firewall Rules', value: JSON.stringify(rules) },
    { name: 'Port Forwards', value: JSON.stringify(forwards) },
  ]
  return { ...body, spec: { ...body.spec, variables } }
}
