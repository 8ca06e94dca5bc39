import { listLinks } from './namespace-look.ts'
import { namespaceState } from './project-namespace.ts'

/** Milliseconds for which one look into a namespace answers for all of its ports. */
const FRESH_MS = 1000

/** Which taps of a namespace are held open by a process: the kernel gives those a carrier. */
export class PortCarriers {
  readonly #looks = new Map<string, { at: number; found: Promise<ReadonlySet<string>> }>()

  async has(namespace: string, tap: string): Promise<boolean> {
    const last = this.#looks.get(namespace)
    const now = performance.now()
    const look = last && now - last.at < FRESH_MS ? last : { at: now, found: carriersIn(namespace) }
    this.#looks.set(namespace, look)
    return (await look.found).has(tap)
  }
}

async function carriersIn(namespace: string): Promise<ReadonlySet<string>> {
  if ((await namespaceState(namespace)) !== 'present') return new Set()
  const links = await listLinks(namespace)
  return new Set(links.filter(({ flags }) => flags.includes('LOWER_UP')).map(({ ifname }) => ifname))
}
