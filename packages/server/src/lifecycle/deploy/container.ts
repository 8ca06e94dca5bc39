import { fetchContainerImage, wantedImage } from '../container-image.ts'
import { lookAgainSeconds, type DeployPhase } from './phase.ts'

/** Fetches the image that a service's application is in, unless the host has it. */
export const containerPhase: DeployPhase = {
  name: 'container',
  label: 'Fetch container image',
  // Images of tens of gigabytes come over slow lines.
  deadlineSeconds: 7200,
  appliesTo: ({ settings }) => wantedImage(settings) !== null,
  async run(host, input) {
    const reference = wantedImage(input.settings)
    if (reference === null) return { done: {} }
    const fetched = await fetchContainerImage(host, input.row, reference)
    if (fetched.state === 'fetching') return { wait: fetched.detail, seconds: lookAgainSeconds(input) }
    const { digest, imageId } = fetched.image
    return { done: { container_image: JSON.stringify({ reference, digest, imageId }) } }
  },
}
