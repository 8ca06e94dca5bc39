import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { readPackedImage } from './packed-image.ts'

const DIFF_ID = `sha256:${'d'.repeat(64)}`

async function imageOf(layers: readonly Buffer[], diffIds: unknown): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'packed-image-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const put = async (content: Buffer) => {
    const hex = createHash('sha256').update(content).digest('hex')
    await writeFile(join(directory, hex), content)
    return { digest: `sha256:${hex}`, size: content.length }
  }
  const manifest = {
    config: await put(Buffer.from(JSON.stringify({ rootfs: { diff_ids: diffIds } }))),
    layers: await Promise.all(layers.map(put)),
  }
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest))
  return directory
}

test('how a layer is packed is seen from its beginning, whatever the registry calls it', async () => {
  const archive = Buffer.alloc(1024)
  const layers = [
    gzipSync(archive),
    zstdCompressSync(archive),
    archive,
    Buffer.from('425a6839', 'hex'),
    Buffer.alloc(0),
  ]
  const image = await readPackedImage(
    await imageOf(
      layers,
      layers.map(() => DIFF_ID),
    ),
    'a/b:1',
  )
  expect(image.layers.map(({ packing }) => packing)).toEqual(['gzip', 'other', 'none', 'other', 'none'])
})

test.each([[[]], [[DIFF_ID, DIFF_ID]], ['x'], [[5]]])(
  'layers of which a configuration tells %j are refused',
  async (diffIds) => {
    await expect(readPackedImage(await imageOf([Buffer.alloc(1)], diffIds), 'a/b:1')).rejects.toMatchObject({
      message: expect.stringMatching(
        /^The image "a\/b:1" has 1 layers, and its configuration tells of \d\.$/,
      ) as string,
      retryable: false,
    })
  },
)
