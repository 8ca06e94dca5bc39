import { createHash } from 'node:crypto'
import { type ImageReference, imageReferenceText } from '@berth/contract/application/image-reference'
import { HostError } from '@berth/contract/host/host-error'
import Type from 'typebox'
import Value from 'typebox/value'
import { dockerTransport, type ImageSource } from './registry-access.ts'
import { registryFailure } from './registry-failure.ts'
import type { Skopeo, SkopeoOptions } from './skopeo.ts'

const digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })
const platform = Type.Object({ os: Type.String(), architecture: Type.String() })

/** One image: OCI image manifest, or Docker's of version 2, schema 2. */
const imageManifest = Type.Object({
  config: Type.Object({ digest }),
  layers: Type.Array(Type.Object({ size: Type.Integer({ minimum: 0 }) })),
})

/** The same image for several platforms: OCI image index, or Docker's manifest list. */
const imageIndex = Type.Object({
  manifests: Type.Array(Type.Object({ digest, platform: Type.Optional(platform) })),
})

/** What a reference means to its registry, for the platform of guests. */
export interface ResolvedImage {
  /** sha256 of the manifest of linux/amd64, `sha256:…`. */
  readonly digest: string
  /** sha256 of its configuration, `sha256:…`. */
  readonly imageId: string
  /** Bytes of its layers as they are sent, packed. */
  readonly packedBytes: number
}

const TIMEOUT_MS = 60_000

/**
 * Asks the registry what a reference means.
 * @throws HostError when the registry does not answer, refuses, or has no such image for linux/amd64
 */
export async function resolveImage(
  skopeo: Skopeo,
  reference: ImageReference,
  source: ImageSource,
  signal?: AbortSignal,
): Promise<ResolvedImage> {
  const text = imageReferenceText(reference)
  const options: SkopeoOptions = { timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) }
  const tls = source.verifyTls ? [] : ['--tls-verify=false']
  const inspect = async (version: Pick<ImageReference, 'tag' | 'digest'>, ...words: string[]) => {
    const call = ['--raw', ...words, ...tls, dockerTransport(source, version)]
    const { code, stdout, stderr } = await skopeo.run('inspect', call, options)
    if (code !== 0) throw registryFailure(text, source.registry, stderr)
    return stdout
  }

  let raw = await inspect(reference)
  let parsed = parsedJson(raw)
  let wanted = reference.digest ?? sha256(raw)
  if (Value.Check(imageIndex, parsed)) {
    const fitting = parsed.manifests.find(({ platform: it }) => it !== undefined && isOurs(it))
    if (fitting === undefined) throw unfit(text, 'has no version for linux/amd64, which guests run')
    wanted = fitting.digest
    raw = await inspect({ digest: wanted })
    parsed = parsedJson(raw)
  }
  if (!Value.Check(imageManifest, parsed)) {
    throw unfit(text, 'has a manifest that is neither OCI nor Docker version 2, schema 2')
  }
  const config = parsedJson(await inspect({ digest: wanted }, '--config'))
  if (!Value.Check(platform, config) || !isOurs(config))
    throw unfit(text, 'is not for linux/amd64, which guests run')
  return {
    digest: wanted,
    imageId: parsed.config.digest,
    packedBytes: parsed.layers.reduce((sum, { size }) => sum + size, 0),
  }
}

function isOurs({ os, architecture }: Type.Static<typeof platform>): boolean {
  return os === 'linux' && architecture === 'amd64'
}

function unfit(reference: string, problem: string): HostError {
  return new HostError(`The image "${reference}" ${problem}.`, { retryable: false })
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
