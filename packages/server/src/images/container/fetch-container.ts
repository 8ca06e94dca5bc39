import { rmSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ImageReference, imageReferenceText } from '@berth/contract/application/image-reference'
import { acquireProcessLock, type ProcessLock } from '../../host/process-lock.ts'
import {
  createBuildDirectory,
  ensureReadableDir,
  removeBuildDirectory,
  removeStaleBuildDirectories,
} from '../build-directory.ts'
import {
  type CachedContainer,
  diskIn,
  findContainer,
  noteMeaning,
  publishContainer,
  touchContainer,
} from './container-cache.ts'
import { type OnProgress, ProgressReporter } from '../progress.ts'
import { layerRoot, makeLayerDirectory, writeStoreRecords } from './container-store.ts'
import { makeImageDisk, treeSize } from './image-disk.ts'
import { readPackedImage } from './packed-image.ts'
import { dockerTransport, type ImageSource, type RegistryAccess, sourceOf } from './registry-access.ts'
import { registryFailure } from './registry-failure.ts'
import { resolveImage, type ResolvedImage } from './resolve-image.ts'
import { Skopeo } from './skopeo.ts'
import { unpackLayers } from './unpack-layers.ts'
import { mib, requireRoom, watchDisk, watchTransfer } from './watch-fetch.ts'

/** How often somebody else's fetch of the same image is looked at. */
const LOCK_POLL_MS = 500
const COPY_TIMEOUT_MS = 12 * 60 * 60_000

export interface FetchOptions {
  readonly cacheDir: string
  readonly access: RegistryAccess
  /** Messages are one sentence, with figures. */
  readonly onProgress: OnProgress
}

/**
 * Brings an image into the cache, unless it is there: asks the registry what the reference means, takes that version
 * for linux/amd64, and makes the disk. Whoever wants the same image at the same time, in this process or another,
 * waits and gets that one. A process that is killed leaves a directory in CACHE/tmp that the next fetch removes.
 * @throws HostError, retryable only where trying again can help
 */
export async function fetchContainer(
  reference: ImageReference,
  { cacheDir, access, onProgress }: FetchOptions,
): Promise<CachedContainer> {
  const text = imageReferenceText(reference)
  const progress = new ProgressReporter(onProgress)
  await ensureReadableDir(cacheDir)
  // What cannot be deleted now takes space and nothing else: the next fetch tries again.
  await removeStaleBuildDirectories(cacheDir).catch(() => [])
  const scratch = await createBuildDirectory(cacheDir)
  try {
    // An image's files may be programs that run as root (setuid): nobody else of the host may reach them.
    const work = join(scratch, 'work')
    await mkdir(work, { mode: 0o700 })
    const skopeo = await Skopeo.in(work, access)
    progress.report('ask', 0, `Asking the registry for ${text}.`)
    const source = sourceOf(reference, access)
    const resolved = await resolveImage(skopeo, reference, source)
    const lock = await lockDigest(cacheDir, resolved.digest, () =>
      progress.report('wait', 0, `Waiting for another fetch of ${text}.`),
    )
    try {
      const image =
        (await findContainer(cacheDir, resolved.digest)) ??
        (await makeContainer({ reference, resolved, source, skopeo, scratch, work, cacheDir, progress }))
      await touchContainer(image)
      if (reference.tag !== undefined) await noteMeaning(cacheDir, text, resolved.digest)
      progress.report('done', 1, `${text} is ready.`)
      return image
    } finally {
      lock.release()
    }
  } finally {
    await removeBuildDirectory(scratch).catch(() => {})
  }
}

interface Making {
  readonly reference: ImageReference
  readonly resolved: ResolvedImage
  readonly source: ImageSource
  readonly skopeo: Skopeo
  readonly scratch: string
  readonly work: string
  readonly cacheDir: string
  readonly progress: ProgressReporter
}

async function makeContainer(making: Making): Promise<CachedContainer> {
  const { reference, resolved, scratch, work, cacheDir, progress } = making
  const text = imageReferenceText(reference)
  const graph = await makeStore(making)
  const tree = await treeSize(graph)
  await requireRoom(work, text, tree.bytes)
  progress.report('disk', 0.8, `Making the disk of ${text}: ${mib(tree.bytes)} MiB.`)
  const output = join(scratch, 'image')
  await mkdir(output)
  await watchDisk(work, text, (signal) => makeImageDisk(graph, diskIn(output), tree, signal))
  const { digest, imageId } = resolved
  return publishContainer(cacheDir, output, { reference: text, digest, imageId })
}

/** Makes a store that holds the image and nothing else; answers its graph root (containers-storage.conf(5)). */
async function makeStore(making: Making): Promise<string> {
  const { reference, resolved, work, progress } = making
  const text = imageReferenceText(reference)
  const { digest, packedBytes } = resolved
  // Unpacked, layers take no less than packed, and both are there for a while.
  await requireRoom(work, text, 2 * packedBytes)
  const graph = join(work, 'graph')
  const { directory, image } = await fetchPacked(making)
  progress.report('unpack', 0.6, `Unpacking ${text}: ${mib(packedBytes)} MiB.`)
  await makeLayerDirectory(graph, digest)
  const [root, layout] = [layerRoot(graph, digest), join(work, 'layout')]
  await mkdir(layout)
  await watchDisk(work, text, (signal) => unpackLayers(image.layers, root, layout, text, signal))
  for (const done of [directory, layout]) await rm(done, { recursive: true })
  await writeStoreRecords(graph, { ...image, name: text, bytes: (await treeSize(root)).bytes })
  return graph
}

/** Fetches manifest, configuration and layers, with the layers packed in a way that they can be unpacked from. */
async function fetchPacked({ reference, resolved, source, skopeo, work, progress }: Making) {
  const text = imageReferenceText(reference)
  const sent = join(work, 'sent')
  await mkdir(sent)
  const tls = source.verifyTls ? [] : ['--src-tls-verify=false']
  const words = [...tls, dockerTransport(source, { digest: resolved.digest }), `dir:${sent}`]
  const transfer = { reference: text, registry: source.registry, blobs: sent, total: resolved.packedBytes }
  const copied = await watchTransfer(transfer, progress, (signal) =>
    skopeo.run('copy', words, { timeoutMs: COPY_TIMEOUT_MS, signal }),
  )
  if (copied.code !== 0) throw registryFailure(text, source.registry, copied.stderr)
  const image = await readPackedImage(sent, text)
  if (image.layers.every(({ packing }) => packing !== 'other')) return { directory: sent, image }
  const directory = join(work, 'plain')
  await watchDisk(work, text, (signal) =>
    skopeo.decompress(sent, directory, { timeoutMs: COPY_TIMEOUT_MS, signal }),
  )
  await rm(sent, { recursive: true })
  // What the image is called by stays that of the registry.
  return { directory, image: { ...image, layers: (await readPackedImage(directory, text)).layers } }
}

/** Waits until nobody else fetches an image, and keeps others from it until it is released. */
async function lockDigest(cacheDir: string, digest: string, onWait: () => void): Promise<ProcessLock> {
  const path = join(cacheDir, 'tmp', `fetch-${digest.replace(/^sha256:/, '')}.lock`)
  for (;;) {
    const lock = acquireProcessLock(path)
    if (lock) {
      return {
        release: () => {
          rmSync(path, { force: true })
          lock.release()
        },
      }
    }
    onWait()
    await sleep(LOCK_POLL_MS)
  }
}
