import { join } from 'node:path'
import type { StatusStep } from '@berth/contract/instance-status'
import type { Logger } from 'pino'
import { createHttpServer } from '../api/http-server.ts'
import { bootstrap, ensureSecretKey } from '../auth/bootstrap.ts'
import { Engine } from '../engine/engine.ts'
import { LateWatch } from '../engine/late-watch.ts'
import { noteInstallation } from '../images/installations.ts'
import { computeInstanceHandler } from '../lifecycle/compute-instance.ts'
import { tellLate } from '../lifecycle/late-step.ts'
import { StepDurations } from '../lifecycle/step-durations.ts'
import { takeUpWork } from '../lifecycle/take-up-work.ts'
import { newestInstances, placedInstances } from '../store/compute-instances.ts'
import { fillShownSettings } from '../store/fill-shown-settings.ts'
import { installationId } from '../store/installation.ts'
import { SecretBox } from '../store/secret-box.ts'
import { Store } from '../store/store.ts'
import { ensureAuthority } from './authority.ts'
import { Adoption } from './adoption.ts'
import { loadCatalogue } from './catalogue.ts'
import { ConfigError, listenAddress, tenantRegistries, type Config } from './config.ts'
import { createHost, prepareHost } from './host.ts'
import { LoopWatch } from './loop-watch.ts'
import { addObjectMetrics } from './metrics/object-metrics.ts'
import { PrometheusMetrics } from './metrics/prometheus-metrics.ts'
import { byOwner, portOwner } from '../network/listening-program.ts'
import { refuseSmallerPool } from './public-pool.ts'
import { rememberDriver } from './served-driver.ts'
import { refuseLostDatabase, takeStateDirectory } from './state-directory.ts'
import { reachOf } from './uplink.ts'
import { VERSION } from './version.ts'

/** How long requests that are under way may take once the server is told to end. */
const STOP_GRACE_MS = 5_000

/** Instances whose steps tell a new server how long steps take. */
const REMEMBERED = 100

/** A server that answers, and how to end it. */
export interface RunningServer {
  /** Where the API answers, such as `http://127.0.0.1:7080`. */
  readonly url: string
  /** Answers what is under way, lets running steps end, and closes the database. Guests run on. */
  stop(): Promise<void>
}

/**
 * Starts Berth: API, reconciler and host in one process.
 * @throws ConfigError or HostError that explains itself to the operator
 */
export async function serve(config: Config, logger: Logger): Promise<RunningServer> {
  // Whatever Berth writes is its own, unless a directory or a file is opened to the guests' user on purpose.
  process.umask(0o077)
  const { host: listenHost, port } = listenAddress(config)
  const stateLock = takeStateDirectory(config.state, {
    forGuests: config.driver === 'qemu',
    tell: (sentence) => logger.info(sentence),
  })
  try {
    refuseLostDatabase(config.state)
  } catch (error) {
    stateLock.release()
    throw error
  }
  const secretBox = new SecretBox(ensureSecretKey(config.state))
  const store = await Store.open(join(config.state, 'berth.db'))
  const installId = await store.transaction((tx) => installationId(tx, store.clock.now()))
  await loadCatalogue(store, await bootstrap(store, config.state))

  const host = createHost(config, installId, logger)
  await refuseSmallerPool(store.db, config, host.plan)
  await prepareHost(host)
  rememberDriver(config.state, config.driver)
  if (config.driver === 'qemu') await noteInstallation(config.cache, installId, config.state)
  await fillShownSettings(store, secretBox)
  const placed = await placedInstances(store.db)
  const adoption = new Adoption(placed.map(({ id }) => id))
  const authority = await ensureAuthority(store, secretBox, installId)
  const durations = new StepDurations()
  for (const row of await newestInstances(store.db, REMEMBERED)) {
    durations.note(row, JSON.parse(row.steps) as StatusStep[])
  }
  const handler = computeInstanceHandler({
    store,
    secretBox,
    host,
    authority,
    durations,
    onStepped: (id) => adoption.stepped(id),
  })
  const metrics = new PrometheusMetrics()
  addObjectMetrics(metrics.registry, store, () => host.driver.capacity())
  const engine = new Engine({
    store,
    handlers: { ComputeInstance: handler, Service: handler },
    workers: 16,
    onError: (err, kind, id) => logger.error({ err, kind, id }, 'step failed'),
    observer: metrics,
  })
  const lateWatch = new LateWatch({
    store,
    onLate: tellLate,
    onError: (err) => logger.error({ err }, 'could not look for late steps'),
  })
  const loopWatch = new LoopWatch((block) => {
    metrics.blocked(block.seconds)
    logger.warn(block, 'the event loop was blocked')
  })
  const context = {
    store,
    secretBox,
    datacenter: config.datacenter,
    registries: tenantRegistries(config),
    reach: reachOf(config),
    usualSeconds: durations.usual.bind(durations),
    version: VERSION,
    certificateRoot: authority.root,
    notReady: () => adoption.notReady(),
    trouble: () => loopWatch.lately(),
    metrics,
  }
  const http = await createHttpServer(context, logger)
  // Listening comes before the first step: a second server on the port must not touch a guest.
  const url = await listen(() => http.listen({ host: listenHost, port }), config)
  await store.transaction((tx) => takeUpWork(tx, store.clock.now()))
  engine.start()
  lateWatch.start()
  loopWatch.start()
  logger.info(
    { url, state: config.state, driver: config.driver, installation: installId, instances: placed.length },
    'serving',
  )
  return {
    url,
    stop: async () => {
      // A client that never finishes its request must not keep the server from ending.
      const impatience = setTimeout(() => http.server.closeAllConnections(), STOP_GRACE_MS)
      await http.close()
      clearTimeout(impatience)
      loopWatch.stop()
      await lateWatch.stop()
      await engine.stop()
      await store.close()
      stateLock.release()
    },
  }
}

async function listen(start: () => Promise<string>, config: Config): Promise<string> {
  try {
    return await start()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new ConfigError(
        `${config.listen} is in use${byOwner(await portOwner(listenAddress(config)))}. Stop that program, or choose another with --listen.`,
      )
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
      throw new ConfigError(`Cannot listen on ${config.listen} (${code}). Choose another with --listen.`)
    }
    throw error
  }
}
