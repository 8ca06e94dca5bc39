import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildSeedVolume } from './seed.ts'

const contents = {
  'meta-data': '{"a":1}\n',
  'network-config': '{"version":2}\n',
  'user-data': '#cloud-config\n{}\n',
}

test('the volume carries the label and the files that cloud-init looks for', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'seed-test-'))
  try {
    const image = join(directory, 'volume')
    await writeFile(image, await buildSeedVolume(contents, directory))
    expect(execFileSync('blkid', ['-o', 'value', '-s', 'LABEL', image]).toString().trim()).toBe('CIDATA')
    for (const [name, text] of Object.entries(contents)) {
      expect(execFileSync('mtype', ['-i', image, `::${name}`]).toString()).toBe(text)
    }
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('texts that do not fit are refused', async () => {
  await expect(
    buildSeedVolume({ ...contents, 'user-data': 'x'.repeat(2 << 20) }, '/nonexistent'),
  ).rejects.toThrow('more than')
})
