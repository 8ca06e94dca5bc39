import Type from 'typebox'

/** What reaches what on the uplink of a server: the same for all of its guests, whatever their rules let in. */
export const NetworkReach = Type.Object(
  {
    outgoing: Type.Enum(['project', 'public'], {
      description: 'How far the guest itself reaches: its project, or public networks too',
    }),
    incoming: Type.Enum(['host', 'network'], {
      description:
        'From where public addresses and port forwards are reached: the host that Berth runs on, or its network',
    }),
    message: Type.String({ description: 'Both as one sentence for a person' }),
  },
  { title: 'NetworkReach' },
)
export type NetworkReach = Type.Static<typeof NetworkReach>

/** On the loopback uplink: the host is the only way in, and there is none out. */
export const LOOPBACK_REACH: NetworkReach = {
  outgoing: 'project',
  incoming: 'host',
  message:
    'Guests reach nothing beyond their project, package mirrors and the internet included; public addresses and ' +
    'port forwards are reached from the host that Berth runs on, and from nowhere else.',
}

/**
 * On an uplink that leads to a network.
 * @param egress whether guests reach public networks
 * @param resolves whether guests are told name servers
 */
export function routedReach(egress: boolean, resolves: boolean): NetworkReach {
  const names = resolves ? '' : ', but resolve no names, since no name servers are configured'
  const out = egress
    ? `Guests reach public networks${names}`
    : 'Guests reach nothing beyond their project, package mirrors and the internet included'
  return {
    outgoing: egress ? 'public' : 'project',
    incoming: 'network',
    message: `${out}; public addresses and port forwards are reached from the operator's network.`,
  }
}
