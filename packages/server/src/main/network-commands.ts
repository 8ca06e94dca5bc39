import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureSecretKey } from '../auth/bootstrap.ts'
import { policyOf, type Places } from '../lifecycle/guest-network.ts'
import type { Host } from '../lifecycle/host.ts'
import { guestPort } from '../lifecycle/machine-spec.ts'
import { guestDifferences, leftovers, placeText, type ReviewedGuest } from '../lifecycle/network-review.ts'
import type { RuleCounter } from '../network/network-driver.ts'
import { externalPortsOf } from '../store/external-ports.ts'
import { readInstallationId } from '../store/installation.ts'
import { placedGuests, projectExists, type PlacedGuest } from '../store/placed-guests.ts'
import { publicAddressOf } from '../store/public-addresses.ts'
import { openSettings, type PublishedSettings } from '../store/published-settings.ts'
import { SecretBox } from '../store/secret-box.ts'
import { Store } from '../store/store.ts'
import { waysInOf } from '../store/ways-in.ts'
import { CommandError } from './command-error.ts'
import { ConfigError, type Config } from './config.ts'
import { createHost } from './host.ts'
import { createLogger } from './logger.ts'
import { databaseIn } from './state-directory.ts'
import { differencesText, type FoundDifference } from './network-differences.ts'
import { table } from './text-table.ts'

/** `berth network show PROJECT [--json]`: its guests, their addresses, rules with what they counted, and ways in. */
export async function showNetworkCommand(config: Config, projectName: string, json: boolean): Promise<void> {
  await withInstallation(config, async (store, secretBox, host) => {
    if (!(await projectExists(store.db, projectName)))
      throw new CommandError(`There is no project ${JSON.stringify(projectName)}.`)
    const guests = await placedGuests(store.db, projectName)
    if (guests.length === 0 && !json) {
      process.stdout.write(`Project ${projectName} has no guests.\n`)
      return
    }
    const guestRows = guests.map(({ row, address }) => [
      row.name,
      guestPort(host, row.id, address).address,
      waysInOf(row).publicAddress || '-',
      address.mac,
      `g${address.number}`,
      row.power_state,
    ])
    const rules: string[][] = []
    const ways: string[][] = []
    for (const guest of guests) {
      const { row, project, address } = guest
      const settings = openSettings(secretBox, row)
      for (const counter of await host.network.ruleCounters(
        project.network_key,
        guestPort(host, row.id, address),
      )) {
        rules.push([
          row.name,
          counter.direction,
          counter.label,
          ...verdictOf(counter, settings),
          `${counter.packets}`,
          `${counter.bytes}`,
        ])
      }
      for (const forward of await host.network.forwardsOf(row.id))
        ways.push([row.name, forward.id.slice(row.id.length + 1), placeText(forward)])
      if (settings === null || !host.plan.routed) continue
      const routed = policyOf(host.plan, settings, await placesOf(store, row.id)).ways
      const to = guestPort(host, row.id, address).address
      if (routed.publicAddress !== null)
        ways.push([row.name, 'public', `any ${routed.publicAddress} -> ${to}`])
      for (const { protocol, port, internalPort } of routed.forwards) {
        const place = `${protocol} ${host.plan.edgeAddress}:${port} -> ${to}:${internalPort}`
        ways.push([row.name, `forward-${protocol}-${internalPort}`, place])
      }
    }
    if (json) {
      const all = {
        project: projectName,
        guests: asObjects(['guest', 'address', 'publicAddress', 'mac', 'device', 'powerState'], guestRows),
        rules: asObjects(['guest', 'direction', 'rule', 'action', 'source', 'packets', 'bytes'], rules),
        waysIn: asObjects(['guest', 'wayIn', 'place'], ways),
      }
      process.stdout.write(`${JSON.stringify(all)}\n`)
      return
    }
    const parts = [
      table(['GUEST', 'ADDRESS', 'PUBLIC', 'MAC', 'DEVICE', 'POWER'], guestRows),
      table(['GUEST', 'DIRECTION', 'RULE', 'ACTION', 'SOURCE', 'PACKETS', 'BYTES'], rules),
      table(['GUEST', 'WAY IN', 'PLACE'], ways),
    ]
    process.stdout.write(parts.join('\n'))
  })
}

/** Rows as objects for programs: counters as numbers, a place that there is not as null. */
function asObjects(
  names: readonly string[],
  rows: readonly (readonly string[])[],
): Record<string, unknown>[] {
  const valueOf = (name: string, cell: string) => {
    if (name === 'packets' || name === 'bytes') return Number(cell)
    return cell === '-' ? null : cell
  }
  return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, valueOf(name, row[at] ?? '')])))
}

/**
 * `berth network verify`: compares the kernel and the relay with the database, and exits 1 when something
 * differs. A server that runs makes it good by itself within half a minute.
 */
export async function verifyNetworkCommand(config: Config): Promise<void> {
  await withInstallation(config, async (store, secretBox, host) => {
    if (config.driver === 'simulated') {
      process.stdout.write('The simulated host has no network: there is nothing to compare.\n')
      return
    }
    const guests = await placedGuests(store.db)
    const found: FoundDifference[] = []
    let looked = 0
    for (const guest of guests) {
      const reviewed = await reviewedGuest(store, secretBox, guest)
      if (!reviewed) continue
      looked += 1
      const owner = { project: guest.project.name, guest: guest.row.name }
      for (const difference of await guestDifferences(host, reviewed)) found.push({ ...difference, ...owner })
    }
    for (const { kind, name, owner } of leftovers(await host.network.census(), guests))
      found.push({ of: 'guest', what: `nobody's ${kind} ${name}`, project: '-', guest: owner ?? '-' })
    if (found.length === 0) {
      process.stdout.write(
        `The network is as it should be: ${looked} ${looked === 1 ? 'guest' : 'guests'}.\n`,
      )
      return
    }
    process.stdout.write(differencesText(found))
    process.exitCode = 1
  })
}

/** The guest with what its network follows from; null while it is being changed, when nothing can be compared. */
async function reviewedGuest(
  store: Store,
  secretBox: SecretBox,
  guest: PlacedGuest,
): Promise<ReviewedGuest | null> {
  const { row } = guest
  const settings = openSettings(secretBox, row)
  if (row.phase !== 'run' || settings === null) return null
  return { ...guest, settings, places: await placesOf(store, row.id) }
}

async function placesOf({ db }: Store, instanceId: string): Promise<Places> {
  return {
    publicAddress: await publicAddressOf(db, instanceId),
    externalPorts: await externalPortsOf(db, instanceId),
  }
}

/** What a counted rule does, and to whom, as its user wrote it. */
function verdictOf(
  { direction, label }: RuleCounter,
  settings: PublishedSettings | null,
): [action: string, source: string] {
  if (direction === 'out') return ['drop', 'guest']
  const [, protocol, port] = /^forward (tcp|udp) (\d+)$/.exec(label) ?? []
  if (port !== undefined) {
    const forwards = (settings?.portForwards ?? []).filter(
      (forward) => forward.internal_port === Number(port) && (forward.protocol ?? 'tcp') === protocol,
    )
    return ['allow', forwards.map(({ source }) => source).join(', ')]
  }
  const rule = settings?.firewallRules[Number.parseInt(label, 10) - 1]
  return [rule?.action ?? 'drop', rule?.source_cidr ?? 'any']
}

async function withInstallation(
  config: Config,
  work: (store: Store, secretBox: SecretBox, host: Host) => Promise<void>,
): Promise<void> {
  const database = databaseIn(config.state)
  if (!existsSync(join(config.state, 'secret.key')))
    throw new ConfigError(`${config.state} holds no installation (flag --state, variable BERTH_STATE).`)
  const store = await Store.openExisting(database)
  try {
    const installId = await readInstallationId(store.db)
    if (installId === undefined) throw new ConfigError(`${config.state} holds no installation yet.`)
    const host = createHost(config, installId, createLogger('silent'))
    await work(store, new SecretBox(ensureSecretKey(config.state)), host)
  } finally {
    await store.close()
  }
}
