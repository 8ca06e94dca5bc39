import { imageReferenceText, parseImageReference } from '@berth/contract/application/image-reference'
import { type CachedContainer, listContainers, listMeanings } from '../images/container/container-cache.ts'
import { fetchContainer } from '../images/container/fetch-container.ts'
import { removeContainers } from '../images/container/remove-containers.ts'
import { createProgressBar } from '../images/progress-bar.ts'
import { CommandError } from './command-error.ts'
import { ConfigError, type Config } from './config.ts'
import { registryAccess } from './host.ts'
import { reportUsed, sizeText, statesOf } from './image-report.ts'
import { table } from './text-table.ts'

/** `berth image pull-container REFERENCE`. @throws HostError when it cannot be fetched */
export async function pullContainerCommand(config: Config, text: string): Promise<void> {
  const reference = parseImageReference(text)
  if ('problem' in reference) throw new ConfigError(`The image "${text}" ${reference.problem}.`)
  const bar = createProgressBar(process.stderr)
  let image: CachedContainer
  try {
    const access = registryAccess(config)
    image = await fetchContainer(reference, { cacheDir: config.cache, access, onProgress: bar.update })
  } finally {
    bar.finish()
  }
  process.stdout.write(`${imageReferenceText(reference)}  ${sizeText(image.sizeBytes)}  ${image.digest}\n`)
}

/** The container images of the cache, by each reference that means them; `current` is what one means today. */
export async function listedContainers({ cache }: Config) {
  const images = await listContainers(cache)
  const meanings = images.length === 0 ? [] : [...(await listMeanings(cache))]
  return images.flatMap(({ digest, reference: fetchedAs, sizeBytes, usedAt }) => {
    const names = meanings.filter(([, meant]) => meant === digest).map(([name]) => name)
    return (names.length > 0 ? names : [fetchedAs]).map((reference) => ({
      reference,
      digest,
      current: names.length > 0,
      sizeBytes,
      usedAt: usedAt.toISOString(),
    }))
  })
}

/** The same as a table; "" when there are none. */
export async function containerTable(config: Config): Promise<string> {
  const images = await listedContainers(config)
  if (images.length === 0) return ''
  const rows = images.map((image) => [
    image.reference,
    image.current ? 'current' : 'old',
    sizeText(image.sizeBytes),
    image.usedAt.slice(0, 16).replace('T', ' '),
    shortDigest(image),
  ])
  return table(['CONTAINER IMAGE', 'FETCH', 'SIZE', 'LAST ASKED FOR', 'DIGEST'], rows)
}

/** `berth image rm-container REFERENCE|DIGEST`: one in use stays, is named, and makes the exit code 1. */
export async function removeContainerCommand(config: Config, text: string): Promise<void> {
  const chosen = await containersNamed(config, text)
  if (chosen.length === 0) {
    throw new CommandError(`There is no container image ${text} in ${config.cache}. See: berth image list`)
  }
  await remove(config, chosen)
}

/** `berth image prune-containers`: removes what nobody uses or has asked for in that many days. */
export async function pruneContainersCommand(config: Config, days: string): Promise<void> {
  const age = Number(days)
  if (days.trim() === '' || !(age >= 0 && age <= 36_500)) {
    throw new ConfigError('--older-than: must be a number of days, 0 or more.')
  }
  const before = Date.now() - age * 86_400_000
  const old = (await listContainers(config.cache)).filter(({ usedAt }) => usedAt.getTime() <= before)
  await remove(config, old)
}

/** By the reference that an image was fetched by, or by 8 or more digits of its digest. */
async function containersNamed(config: Config, text: string): Promise<CachedContainer[]> {
  const images = await listContainers(config.cache)
  if (/^(sha256:)?[0-9a-f]{8,64}$/.test(text)) {
    const digits = text.replace(/^sha256:/, '')
    return images.filter(({ digest }) => digest.startsWith(`sha256:${digits}`))
  }
  const reference = parseImageReference(text)
  if ('problem' in reference) throw new ConfigError(`The image "${text}" ${reference.problem}.`)
  const name = imageReferenceText(reference)
  const means = reference.digest ?? (await listMeanings(config.cache)).get(name)
  return images.filter((image) => image.digest === means || image.reference === name)
}

async function remove(config: Config, images: readonly CachedContainer[]): Promise<void> {
  const { removed, used } = await removeContainers(config.cache, images, await statesOf(config))
  for (const image of removed) {
    process.stdout.write(`removed  ${image.reference}  ${sizeText(image.sizeBytes)}  ${shortDigest(image)}\n`)
  }
  for (const { image, users } of used) reportUsed(`${image.reference}  ${shortDigest(image)}`, users)
}

function shortDigest({ digest }: Pick<CachedContainer, 'digest'>): string {
  return digest.replace('sha256:', '').slice(0, 12)
}
