import { isGuestImageName } from '@berth/contract/guest-image-name'
import { HostError } from '@berth/contract/host/host-error'
import { imageNames } from './recipes.ts'

/** @throws HostError when an import may not take that name */
export function checkImportName(name: string): void {
  if (!isGuestImageName(name)) {
    const rule =
      'Use up to 63 lower-case letters, digits, dots and dashes, beginning with a letter or a digit.'
    throw new HostError(`'${name.slice(0, 80)}' cannot name a guest image. ${rule}`, { retryable: false })
  }
  if (!imageNames.includes(name)) return
  throw new HostError(`${name} is built by Berth (berth image build ${name}). Import under another name.`, {
    retryable: false,
  })
}
