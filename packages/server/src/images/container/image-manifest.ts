import { HostError } from '@berth/contract/host/host-error'
import Type from 'typebox'

/** `sha256:…` of a blob or manifest. */
export const Digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })

/** One image: OCI image manifest, or Docker's of version 2, schema 2. */
export const ImageManifest = Type.Object({
  config: Type.Object({ digest: Digest }),
  layers: Type.Array(Type.Object({ digest: Digest, size: Type.Integer({ minimum: 0 }) })),
})

/** JSON of a registry; null when it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** What is wrong with an image, which no second try changes. */
export function unfit(reference: string, problem: string): HostError {
  return new HostError(`The image "${reference}" ${problem}.`, { retryable: false })
}
