import { HostError } from '@berth/contract/host/host-error'
import { imageNames } from './recipes.ts'

const pattern = /^[a-z0-9][a-z0-9.-]{0,62}$/

/** Whether the text can name a guest image: what profiles may name, without `..`, so that no path can escape. */
export function isImageName(name: string): boolean {
  return pattern.test(name) && !name.includes('..')
}

/** @throws HostError when an import may not take that name */
export function checkImportName(name: string): void {
  if (!isImageName(name)) {
    const rule =
      'Use up to 63 lower-case letters, digits, dots and dashes, beginning with a letter or a digit.'
    throw new HostError(`'${name.slice(0, 80)}' cannot name a guest image. ${rule}`, { retryable: false })
  }
  if (!imageNames.includes(name)) return
  throw new HostError(`${name} is built by Berth (berth image build ${name}). Import under another name.`, {
    retryable: false,
  })
}
