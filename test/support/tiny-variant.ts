import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageCacheDir } from '../../packages/server/src/images/cache-dir.ts'
import { findImage } from '../../packages/server/src/images/image-store.ts'
import { packInitramfs } from '../../packages/server/src/images/initramfs-archive.ts'

/** A file of a variant's guest. */
export interface VariantFile {
  readonly path: string
  readonly content: string
}

/**
 * Puts an image into a cache that is the tiny one with other files: Linux unpacks one archive over the other. The tiny
 * image itself is put there too.
 * @param change the files, given the tiny image's first process
 */
export async function makeTinyVariant(
  cacheDir: string,
  name: string,
  change: (init: string) => readonly VariantFile[],
): Promise<void> {
  const tiny = await findImage(imageCacheDir(), 'tiny')
  if (tiny?.initrd === undefined) throw new Error('The tiny image is missing. Run: berth image build tiny')
  const init = await readFile(new URL('../../packages/server/src/images/tiny/init', import.meta.url), 'utf8')
  const over = packInitramfs(
    change(init).map(({ path, content }) => ({
      path,
      type: 'file',
      content: Buffer.from(content),
      executable: true,
    })),
  )
  const base = await readFile(tiny.initrd)
  const initrd = Buffer.concat([base, Buffer.alloc((4 - (base.length % 4)) % 4), over])
  const from = join(imageCacheDir(), 'images', 'tiny')
  await cp(from, join(cacheDir, 'images', 'tiny'), { recursive: true })
  const directory = join(cacheDir, 'images', name, 'variant')
  await mkdir(directory, { recursive: true })
  await cp(tiny.kernel ?? '', join(directory, 'kernel'))
  await writeFile(join(directory, 'initrd'), initrd)
  const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex')
  const entry = (file: string, content: Buffer) => ({
    file,
    sha256: digest(content),
    sizeBytes: content.length,
  })
  const files = {
    kernel: entry('kernel', await readFile(join(directory, 'kernel'))),
    initrd: entry('initrd', initrd),
  }
  const manifest = {
    format: 1,
    name,
    digest: digest(initrd),
    recipe: digest(over),
    bootMode: 'kernel',
    kernelArguments: tiny.kernelArguments,
    defaultUser: tiny.defaultUser,
    createdAt: new Date().toISOString(),
    files,
  }
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest))
}
