import type { GuestPort, ProjectNetwork } from './network-driver.ts'
import { BRIDGE } from './network-names.ts'
import { listLinks, loadRules, namespaceState } from './project-namespace.ts'
import { compilePortRemoval, compileRuleset } from './ruleset.ts'
import { runCommand, tryCommand } from '../host/run-command.ts'

/** Creates the port's persistent tap unless it is there, and lets `user` open it without privileges. */
export async function ensureTap(namespace: string, port: GuestPort, user: string): Promise<void> {
  const ip = (...args: string[]) => runCommand('ip', ['-n', namespace, ...args])
  const present = (await listLinks(namespace)).find((link) => link.ifname === port.tap)
  if (present !== undefined) {
    const info = present.linkinfo
    const ours = info?.info_kind === 'tun' && info.info_data?.type === 'tap'
    // A tap that carries a running guest is left alone, whoever owns it.
    if (ours && (info.info_data?.user === user || present.flags.includes('LOWER_UP'))) return
    await ip('link', 'delete', 'dev', port.tap)
  }
  await ip('tuntap', 'add', 'dev', port.tap, 'mode', 'tap', 'user', user)
}

/**
 * Loads the port's rules, then joins its device (a tap, or any other of that name) to the bridge.
 *
 * The port is isolated and learns nothing: the guest's MAC and its neighbour entry are written by us, so
 * a frame for the guest goes to its port only, is never flooded to the others, and no guest can claim
 * another's place. Broadcasts from the gateway still reach every port.
 */
export async function attachPort(namespace: string, network: ProjectNetwork, port: GuestPort): Promise<void> {
  await loadRules(namespace, compileRuleset(network, [port]))
  const dev = ['dev', port.tap]
  await runCommand('ip', ['-n', namespace, 'link', 'set', ...dev, 'alias', port.instanceId])
  await runCommand('ip', ['-n', namespace, 'link', 'set', ...dev, 'master', BRIDGE])
  const flags = [
    'isolated',
    'on',
    'learning',
    'off',
    'flood',
    'off',
    'mcast_flood',
    'off',
    'bcast_flood',
    'on',
  ]
  await runCommand('bridge', ['-n', namespace, 'link', 'set', ...dev, ...flags])
  await runCommand('bridge', ['-n', namespace, 'fdb', 'replace', port.mac, ...dev, 'master', 'static'])
  const neighbour = [port.address, 'lladdr', port.mac, 'dev', BRIDGE, 'nud', 'permanent']
  await runCommand('ip', ['-n', namespace, 'neighbour', 'replace', ...neighbour])
  await runCommand('ip', ['-n', namespace, 'link', 'set', ...dev, 'up'])
}

/** Removes the port's device, its neighbour entry and its rules. */
export async function removeGuestPort(namespace: string, port: GuestPort): Promise<void> {
  if ((await namespaceState(namespace)) !== 'present') return
  const links = await listLinks(namespace)
  if (links.some((link) => link.ifname === port.tap)) {
    await runCommand('ip', ['-n', namespace, 'link', 'delete', 'dev', port.tap])
  }
  // Fails when the entry or the bridge is gone already, which is what is wanted.
  await tryCommand('ip', ['-n', namespace, 'neighbour', 'delete', port.address, 'dev', BRIDGE])
  await loadRules(namespace, compilePortRemoval(port))
}
