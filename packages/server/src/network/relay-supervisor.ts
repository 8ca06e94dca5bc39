/**
 * The relay of one installation: `node relay-supervisor.ts INSTALL_ID RUN_DIR`. It keeps the listeners on
 * the host's loopback addresses and one relay process in each namespace that has a forward, and is told
 * what to do over RUN_DIR/relay.sock (see relay-protocol.ts). It belongs to no server: it ends when told
 * to, or with the host. A second one ends at once, because the first has the lock.
 */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { KeyedMutex } from '../host/keyed-mutex.ts'
import { KeptPlace } from './kept-place.ts'
import { readLine } from './line-channel.ts'
import { namespacePrefix } from './network-names.ts'
import { acquireProcessLock } from '../host/process-lock.ts'
import { relayLog } from './relay-log.ts'
import {
  parseRequest,
  RELAY_VERSION,
  type RelayForward,
  type RelayOpenForward,
  type RelayPlace,
  type RelayRequest,
  type RelayResponse,
} from './relay-protocol.ts'
import { RelayWorker } from './relay-worker.ts'

/** Milliseconds that a drained relay waits for its connections to end. */
const DRAIN_LIMIT = 10 * 60_000

const [installId = '', runDir = ''] = process.argv.slice(2)
const prefix = namespacePrefix(installId)
const socketPath = join(runDir, 'relay.sock')
const workers = new Map<string, RelayWorker>()
const kept = new Map<string, KeptPlace>()
const queue = new KeyedMutex()
let leaving = false

async function answer(request: RelayRequest): Promise<RelayResponse> {
  switch (request.op) {
    case 'ping':
      return { ok: true, version: RELAY_VERSION, pid: process.pid }
    case 'list':
      return { ok: true, forwards: forwards().filter(({ id }) => id.startsWith(request.prefix ?? '')) }
    case 'ensure':
      return queue.run(request.forward.id, () => ensure(request.forward))
    case 'remove':
      return queue.run(request.id, () => remove(request.id))
    case 'stop-if-idle':
      if (pending === 0 && forwards().length === 0) leave()
      return { ok: true, stopping: leaving }
    case 'drain':
      leave()
      return { ok: true, stopping: true }
  }
}

async function ensure(wanted: RelayForward): Promise<RelayResponse> {
  if (!wanted.namespace.startsWith(prefix)) throw new Error('the namespace belongs to another installation')
  const present = forwards().find(({ id }) => id === wanted.id)
  if (present !== undefined && same(present, wanted)) {
    const worker = workers.get(present.namespace)
    await worker?.check()
    await worker?.setGate(wanted.id, wanted.gate)
    return { ok: true, listen: present.listen }
  }
  if (present !== undefined) await remove(wanted.id)
  const holder = forwards().find(
    ({ protocol, listen }) => protocol === wanted.protocol && samePlace(listen, wanted.listen),
  )
  if (holder !== undefined) {
    return { ok: false, code: 'taken', message: `the forward ${holder.id} listens there` }
  }
  if (wanted.target === null) {
    const place = await KeptPlace.take(wanted)
    kept.set(wanted.id, place)
    return { ok: true, listen: place.forward.listen }
  }
  let worker = workers.get(wanted.namespace)
  if (worker === undefined) {
    worker = new RelayWorker(installId, wanted.namespace, wanted.networkKey)
    workers.set(wanted.namespace, worker)
  }
  return { ok: true, listen: (await worker.open(wanted)).listen }
}

async function remove(id: string): Promise<RelayResponse> {
  await kept.get(id)?.release()
  kept.delete(id)
  const present = forwards().find((forward) => forward.id === id)
  if (present !== undefined) await workers.get(present.namespace)?.close(id)
  return { ok: true }
}

function forwards(): RelayOpenForward[] {
  const places = [...kept.values()].map(({ forward }) => forward)
  return [...places, ...[...workers.values()].flatMap((worker) => worker.forwards)]
}

/** Whether an open forward is what is wanted; a wanted port of 0 is content with any. */
function same(present: RelayOpenForward, wanted: RelayForward): boolean {
  const port = wanted.listen.port === 0 ? present.listen.port : wanted.listen.port
  return (
    present.namespace === wanted.namespace &&
    present.protocol === wanted.protocol &&
    sameTarget(present.target, wanted.target) &&
    samePlace(present.listen, { address: wanted.listen.address, port })
  )
}

function sameTarget(one: RelayPlace | null, other: RelayPlace | null): boolean {
  return one === null || other === null ? one === other : samePlace(one, other)
}

function samePlace(one: RelayPlace, other: RelayPlace): boolean {
  return one.address === other.address && one.port === other.port
}

let pending = 0

async function converse(socket: Socket): Promise<void> {
  try {
    const line = await readLine(socket, 10_000)
    socket.end(`${JSON.stringify(await judge(line))}\n`)
  } catch {
    socket.destroy()
  }
}

async function judge(line: string): Promise<RelayResponse> {
  let request: RelayRequest
  try {
    request = parseRequest(line)
  } catch (error) {
    return { ok: false, code: 'invalid', message: (error as Error).message }
  }
  if (leaving) return { ok: false, code: 'leaving', message: 'the relay is about to end' }
  const changes = request.op === 'ensure' || request.op === 'remove'
  if (changes) pending += 1
  try {
    return await answer(request)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    relayLog(`${request.op}: ${message}`)
    return { ok: false, code: code ?? 'failed', message }
  } finally {
    if (changes) pending -= 1
  }
}

const lock = acquireProcessLock(join(runDir, 'relay.lock'))
if (lock === null) process.exit(0)
const control = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  void converse(socket)
})

/** Gives way to another relay at once, and ends when the last connection has. */
function leave(): void {
  if (leaving) return
  leaving = true
  for (const place of kept.values()) void place.release()
  const ended = Promise.all([...workers.values()].map((worker) => worker.drain()))
  // Closing removes the socket's path, so the lock must still be held. Open conversations get their answer.
  control.close()
  lock?.release()
  relayLog('leaving')
  setTimeout(() => process.exit(0), DRAIN_LIMIT).unref()
  void ended.then(() => setTimeout(() => process.exit(0), 100))
}

process.on('SIGHUP', () => {})
process.on('SIGINT', () => {})
process.on('SIGTERM', () => process.exit(0))
process.on('exit', () => {
  if (!leaving) rmSync(socketPath, { force: true })
})
// Only the holder of the lock gets here, so whatever is at this path was left behind by a dead one.
rmSync(socketPath, { force: true })
process.umask(0o177)
control.on('error', (error) => {
  relayLog(`the control socket failed: ${error.message}`)
  process.exit(1)
})
control.listen(socketPath, () => {
  chmodSync(socketPath, 0o600)
  relayLog(`serving ${installId}, protocol ${RELAY_VERSION}`)
})
