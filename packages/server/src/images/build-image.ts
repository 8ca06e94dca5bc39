import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createBuildDirectory,
  ensureReadableDir,
  removeBuildDirectory,
  removeStaleBuildDirectories,
} from './build-directory.ts'
import type { GuestImage } from './guest-image.ts'
import { findImage, imageDir } from './image-store.ts'
import { writeManifest } from './manifest.ts'
import { ProgressReporter, type OnProgress } from './progress.ts'
import { publishImage } from './publish-image.ts'
import { recipeDigest } from './recipe.ts'
import { recipeNamed } from './recipes.ts'
import { requireTools } from './required-tools.ts'

export interface BuildImageOptions {
  readonly cacheDir: string
  readonly onProgress?: OnProgress
  /** Builds again, with today's packages, even when the recipe's image is in the cache. */
  readonly force?: boolean
}

const storePhase = 0.95

/**
 * Answers the image of that name, building it unless the cache has it. Any number of builders may work at
 * once: each has its own directory, and the first to finish is the one that counts. A forced build stands
 * beside the earlier one, whose disk may be the base of machines.
 *
 * @throws HostError when there is no such recipe, a tool is missing, or the build fails.
 */
export async function buildImage(name: string, options: BuildImageOptions): Promise<GuestImage> {
  const { cacheDir, force = false } = options
  const recipe = recipeNamed(name)
  const reporter = new ProgressReporter(options.onProgress ?? (() => {}))
  const existing = force ? null : await findImage(cacheDir, name)
  if (existing) {
    reporter.report('done', 1, `${name} is in the cache`)
    return existing
  }
  await requireTools(recipe.tools)
  await ensureReadableDir(cacheDir)
  await ensureReadableDir(imageDir(cacheDir, name))
  // What cannot be deleted now takes space and nothing else: the next build tries again.
  await removeStaleBuildDirectories(cacheDir).catch(() => [])
  const directory = await createBuildDirectory(cacheDir)
  try {
    const workDir = join(directory, 'work')
    const outputDir = join(directory, 'image')
    await mkdir(workDir)
    await ensureReadableDir(outputDir)
    const own = new ProgressReporter(({ phase, fraction, message }) =>
      reporter.report(phase, fraction * storePhase, message),
    )
    const result = await recipe.build({ workDir, outputDir, progress: own })
    reporter.report('store', storePhase, `Storing ${name} in the cache`)
    const digest = await recipeDigest(recipe)
    await writeManifest(outputDir, {
      name,
      recipe: digest,
      kernelArguments: recipe.kernelArguments,
      defaultUser: recipe.defaultUser,
      ...result,
    })
    const stamp = new Date().toISOString().replaceAll(/[^0-9TZ]/g, '')
    const place = force ? `${digest}.${stamp}-${process.pid}` : digest
    const image = await publishImage(cacheDir, outputDir, join(imageDir(cacheDir, name), place))
    reporter.report('done', 1, `${name} is ready`)
    return image
  } finally {
    await removeBuildDirectory(directory).catch(() => {})
  }
}
