import { isGuestImageName } from '@berth/contract/guest-image-name'
import { imageNames } from './recipes.ts'
import { WrongArgument } from './wrong-argument.ts'

/** @throws WrongArgument when an import may not take that name */
export function checkImportName(name: string): void {
  if (!isGuestImageName(name)) {
    const rule =
      'Use up to 63 lower-case letters, digits, dots and dashes, beginning with a letter or a digit.'
    throw new WrongArgument(`'${name.slice(0, 80)}' cannot name a guest image. ${rule}`)
  }
  if (!imageNames.includes(name)) return
  throw new WrongArgument(`${name} is built by Berth (berth image build ${name}). Import under another name.`)
}
