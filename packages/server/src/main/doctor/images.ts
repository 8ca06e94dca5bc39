import { type Finding, missing, ok, warning } from './finding.ts'

/**
 * @param names of images that machines can boot; the tiny one is for tests and the accelerator's
 * @param wanted the images that the profiles which come with Berth boot, the default one first
 */
export function judgeImages(names: readonly string[], wanted: readonly string[], cache: string): Finding {
  const usable = names.filter((name) => name !== 'tiny')
  const lacking = wanted.filter((name) => !usable.includes(name))
  if (usable.length === 0) return missing('Guest images', `none in ${cache}`, buildOf(wanted.slice(0, 1)))
  if (lacking.length === 0) return ok('Guest images', names.join(', '))
  return warning(
    'Guest images',
    `${names.join(', ')}; profiles of the catalogue want ${lacking.join(' and ')}`,
    buildOf(lacking),
  )
}

function buildOf(images: readonly string[]): string {
  return images.map((name) => `berth image build ${name}`).join(' && ')
}
