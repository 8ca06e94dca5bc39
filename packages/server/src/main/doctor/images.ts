import { type Finding, missing, ok, warning } from './finding.ts'

/** @param names of images that machines can boot; the tiny one is for tests and the accelerator's */
export function judgeImages(names: readonly string[], cache: string): Finding {
  const build = 'berth image build debian-12'
  const usable = names.filter((name) => name !== 'tiny')
  if (usable.length === 0) return missing('Guest images', `none in ${cache}`, build)
  if (usable.includes('debian-12')) return ok('Guest images', names.join(', '))
  return warning('Guest images', `${names.join(', ')}; profiles that name none want debian-12`, build)
}
