import { expect, test } from 'vitest'
import { imageCacheDir } from './cache-dir.ts'

test('the cache is where BERTH_CACHE, the user or XDG says', () => {
  expect(imageCacheDir({ BERTH_CACHE: '/srv/cache' }, 0)).toBe('/srv/cache')
  expect(imageCacheDir({ XDG_CACHE_HOME: '/x' }, 0)).toBe('/var/cache/berth')
  expect(imageCacheDir({ XDG_CACHE_HOME: '/x', HOME: '/home/a' }, 1000)).toBe('/x/berth')
  expect(imageCacheDir({ XDG_CACHE_HOME: 'x', HOME: '/home/a' }, 1000)).toBe('/home/a/.cache/berth')
})
