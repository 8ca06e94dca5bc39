import { join } from 'node:path'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { isUserName } from '@berth/contract/user-name'
import {
  createBuildDirectory,
  ensureReadableDir,
  removeBuildDirectory,
  removeStaleBuildDirectories,
} from '../build-directory.ts'
import type { GuestImage } from '../guest-image.ts'
import { checkImportName } from '../image-name.ts'
import { imageDir } from '../image-store.ts'
import { writeManifest } from '../manifest.ts'
import { ProgressReporter, type OnProgress } from '../progress.ts'
import { publishImage } from '../publish-image.ts'
import { requireTools } from '../required-tools.ts'
import { WrongArgument } from '../wrong-argument.ts'
import { checkTables, checkWithQemu, convertToQcow2, type Confinement } from './confined-qemu-img.ts'
import { fetchSource, isUrl, type FetchOptions } from './fetch-source.ts'
import { judgeSource } from './source-image.ts'

export interface ImportOptions extends Omit<FetchOptions, 'onBytes'> {
  readonly cacheDir: string
  /** The user that the image's cloud-init sets up; the seed makes it when the image has none. */
  readonly defaultUser: string
  /** Who runs qemu-img on the file; null: the caller, who has no rights to give up. */
  readonly confinement: Confinement | null
  readonly onProgress?: OnProgress
}

const tools = { 'qemu-img': 'qemu-utils', prlimit: 'util-linux', setpriv: 'util-linux' }

/**
 * Takes a cloud image, qcow2 or raw, from a file or a URL into the cache under a name of its own. It boots from
 * its disk. An earlier import of the name stays, since machines may stand on it.
 * @throws HostError when it is not what its sha256 says, cannot be a guest's disk, or the host cannot take it
 */
export async function importImage(name: string, source: string, options: ImportOptions): Promise<GuestImage> {
  const { cacheDir, confinement } = options
  checkImportName(name)
  checkSha256(options.sha256)
  if (!isUserName(options.defaultUser)) {
    throw new WrongArgument(`'${options.defaultUser}' is not a Unix user name.`)
  }
  await requireTools(tools)
  const reporter = new ProgressReporter(options.onProgress ?? (() => {}))
  await ensureReadableDir(cacheDir)
  await removeStaleBuildDirectories(cacheDir).catch(() => [])
  const directory = await createBuildDirectory(cacheDir)
  try {
    const path = join(directory, 'source')
    const phase = isUrl(source) ? 'download' : 'copy'
    await fetchSource(source, path, {
      ...options,
      onBytes: (bytes, total) => {
        const fraction = total === null || total === 0 ? 0.3 : (bytes / total) * 0.6
        reporter.report(phase, fraction, bytesText(bytes, total))
      },
    })
    reporter.report('check', 0.6, 'Checking the image')
    const { format } = await judgeSource(path)
    await checkWithQemu(path, format, confinement)
    if (format === 'qcow2') await checkTables(path, confinement)
    reporter.report('convert', 0.65, `Converting from ${format} to a disk of its own`)
    const output = join(directory, 'image')
    await mkdir(output)
    await chmod(output, 0o755)
    await convertToQcow2({ path, format }, join(output, 'disk.qcow2'), directory, confinement)
    await rm(path)
    reporter.report('store', 0.95, `Storing ${name} in the cache`)
    await writeManifest(output, {
      name,
      // What decides what comes out, as a recipe does for an image that is built.
      recipe: options.sha256,
      bootMode: 'disk',
      kernelArguments: [],
      defaultUser: options.defaultUser,
      files: { disk: 'disk.qcow2' },
    })
    const stamp = new Date().toISOString().replaceAll(/[^0-9TZ]/g, '')
    const parent = imageDir(cacheDir, name)
    // Not before: an import's directory is what makes its name known.
    await ensureReadableDir(parent)
    const image = await publishImage(
      cacheDir,
      output,
      join(parent, `${options.sha256}.${stamp}-${process.pid}`),
    )
    reporter.report('done', 1, `${name} is ready`)
    return image
  } finally {
    await removeBuildDirectory(directory).catch(() => {})
  }
}

function checkSha256(text: string): void {
  if (/^[0-9a-f]{64}$/.test(text)) return
  throw new WrongArgument('--sha256 must be 64 hexadecimal digits, as sha256sum prints them.')
}

function bytesText(bytes: number, total: number | null): string {
  const mib = (count: number) => Math.floor(count / 2 ** 20)
  return total === null ? `${mib(bytes)} MiB` : `${mib(bytes)} of ${mib(total)} MiB`
}
