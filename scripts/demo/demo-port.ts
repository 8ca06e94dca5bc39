import { createServer } from 'node:net'
import { byOwner, portOwner } from '../../packages/server/src/network/listening-program.ts'
import { isDemoDirectory, listenOf, usualListenOf } from './demo-marker.ts'
import { DEFAULT_LISTEN, movedTo, type DemoPlace } from './demo-place.ts'
import { runningPid } from './demo-server.ts'

/** How many ports after the usual one are tried. */
const OTHER_PORTS = 20

/**
 * Where the demo's API answers: where its server runs, else where BERTH_DEMO_LISTEN says, else where it answered last, else
 * on the first free port from 7080 on.
 * @throws Error when the directory is not the demo's
 */
export async function settledPlace(place: DemoPlace): Promise<DemoPlace> {
  const isOurs = isDemoDirectory(place)
  const started = isOurs ? listenOf(place) : undefined
  if (started !== undefined && (await runningPid(place)) !== null) return movedTo(place, started)
  if (process.env['BERTH_DEMO_LISTEN']) return place
  const usual = movedTo(place, (isOurs ? usualListenOf(place) : undefined) ?? DEFAULT_LISTEN)
  if (await isFree(usual.listen)) return usual
  const [host = '', port = ''] = DEFAULT_LISTEN.split(':')
  for (let other = Number(port); other <= Number(port) + OTHER_PORTS; other++) {
    const listen = `${host}:${other}`
    if (!(await isFree(listen))) continue
    console.log(`${usual.listen} is in use${await ownerOf(usual.listen)}; the demo takes ${listen}.`)
    return movedTo(place, listen)
  }
  return usual
}

async function isFree(listen: string): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ ...addressOf(listen), exclusive: true }, () => resolve(true))
  })
  if (free) await new Promise<void>((resolve) => server.close(() => resolve()))
  return free
}

async function ownerOf(listen: string): Promise<string> {
  return byOwner(await portOwner(addressOf(listen)))
}

/** @param listen as the demo chose it, so with an IPv4 address */
function addressOf(listen: string): { host: string; port: number } {
  const [host = '', port = ''] = listen.split(':')
  return { host, port: Number(port) }
}
