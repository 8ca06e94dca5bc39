import {
  type ImageReference,
  imageReferenceText,
  parseImageReference,
} from '@berth/contract/application/image-reference'
import { HostError } from '@berth/contract/host/host-error'
import type { OnProgress } from '../progress.ts'
import { type CachedContainer, findContainer, touchContainer } from './container-cache.ts'
import type { ContainerFetch, ContainerImages } from './container-images.ts'
import { fetchContainer } from './fetch-container.ts'
import type { RegistryAccess } from './registry-access.ts'

/** Milliseconds after which the end of a fetch says nothing any more about what a tag means, or whether it fails. */
const OUTCOME_HOLDS_MS = 10 * 60_000

interface Fetch {
  detail: string
  outcome?: { readonly at: number; readonly image?: CachedContainer; readonly error?: HostError }
}

/** Container images in the cache of this host, fetched from registries. */
export class CachedContainerImages implements ContainerImages {
  readonly #cacheDir: string
  readonly #access: RegistryAccess
  readonly #fetches = new Map<string, Fetch>()

  constructor(options: { readonly cacheDir: string; readonly access: RegistryAccess }) {
    this.#cacheDir = options.cacheDir
    this.#access = options.access
  }

  async ensure(reference: string, digest: string | null): Promise<ContainerFetch> {
    const parsed = parseImageReference(reference)
    if ('problem' in parsed)
      throw new HostError(`The image "${reference}" ${parsed.problem}.`, { retryable: false })
    const text = imageReferenceText(parsed)
    const { registry, repository } = parsed
    const wanted = digest === null ? parsed : { registry, repository, digest }
    const key = imageReferenceText(wanted)
    const fetch = this.#fetches.get(key)
    if (fetch && !fetch.outcome) return { state: 'fetching', detail: fetch.detail }
    this.#fetches.delete(key)
    const outcome =
      fetch?.outcome && performance.now() - fetch.outcome.at < OUTCOME_HOLDS_MS ? fetch.outcome : null
    if (outcome?.error) throw outcome.error
    const known = digest ?? outcome?.image?.digest
    const image = known === undefined ? null : await findContainer(this.#cacheDir, known)
    if (!image) return { state: 'fetching', detail: this.#begin(key, wanted).detail }
    await touchContainer(image)
    return {
      state: 'ready',
      image: { reference: text, digest: image.digest, imageId: image.imageId, disk: image.disk },
    }
  }

  #begin(key: string, wanted: ImageReference): Fetch {
    const running = this.#fetches.get(key)
    if (running) return running
    const fetch: Fetch = { detail: `Fetching ${key}.` }
    this.#fetches.set(key, fetch)
    const onProgress: OnProgress = ({ message }) => void (fetch.detail = message)
    fetchContainer(wanted, { cacheDir: this.#cacheDir, access: this.#access, onProgress }).then(
      (image) => (fetch.outcome = { at: performance.now(), image }),
      (error: unknown) => (fetch.outcome = { at: performance.now(), error: explained(error, key) }),
    )
    return fetch
  }
}

/** Failures of the file system get words; a full disk is the one that is met. */
function explained(error: unknown, reference: string): HostError {
  if (error instanceof HostError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new HostError(`The image "${reference}" could not be put into the image cache: ${why}.`, {
    cause: error,
  })
}
