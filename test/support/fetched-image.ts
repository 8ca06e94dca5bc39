import type { CachedContainerImages } from '../../packages/server/src/images/container/cached-container-images.ts'
import type { ContainerImage } from '../../packages/server/src/images/container/container-images.ts'
import { FinalError, waitFor } from './wait-for.ts'

/** Asks until the image is there; a failure is thrown. */
export async function fetched(
  images: CachedContainerImages,
  reference: string,
  digest: string | null = null,
): Promise<ContainerImage> {
  return waitFor(
    async () => {
      const answer = await images.ensure(reference, digest).catch((error: unknown) => {
        throw new FinalError('fetching failed', { cause: error })
      })
      return answer.state === 'ready' ? answer.image : null
    },
    { deadlineSeconds: 120, what: `${reference} to be fetched` },
  ).catch((error: unknown) => {
    throw error instanceof FinalError ? error.cause : error
  })
}
