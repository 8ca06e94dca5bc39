import { existsSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'

let earlier = ''

test('a folder others may pass through but not list, with a short path', async () => {
  earlier = await tempDir()
  expect((await stat(earlier)).mode & 0o777).toBe(0o711)
  expect(earlier.length).toBeLessThan(20)
  await writeFile(join(earlier, 'file'), 'x')
})

test('the folder is gone once its test has ended', () => {
  expect(earlier).not.toBe('')
  expect(existsSync(earlier)).toBe(false)
})
