import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import canonicalize from 'canonicalize'
import type { ImageDescription } from './manifest.ts'
import type { ProgressReporter } from './progress.ts'

/** What a recipe works with while it builds. */
export interface BuildContext {
  /** An empty directory for anything temporary. */
  readonly workDir: string
  /** Where the image's files go; they are stored from here. */
  readonly outputDir: string
  /** Fractions reported here run from 0 to 1 over the recipe's own work. */
  readonly progress: ProgressReporter
}

/** Programs that a recipe runs, and the Debian package that has each. */
export type RequiredTools = Readonly<Record<string, string>>

/** How one guest image is built. What is listed here as data decides the recipe's digest. */
export interface ImageRecipe {
  readonly name: string
  /** Counted up when the builder's code changes what comes out, which no other part of the digest sees. */
  readonly revision: number
  readonly packages: readonly string[]
  readonly kernelArguments: readonly string[]
  readonly defaultUser: string
  /** Anything else that decides the outcome, such as a list of kernel modules. */
  readonly settings: unknown
  /** Files that go into the image, by name. */
  readonly files: Readonly<Record<string, URL>>
  readonly tools: RequiredTools
  /** Writes the image's files into `outputDir` and says which is which. */
  build(context: BuildContext): Promise<RecipeResult>
}

export type RecipeResult = Pick<ImageDescription, 'bootMode' | 'files' | 'packages'>

/** sha256 (hex) over a recipe's files, packages, arguments and settings. */
export async function recipeDigest(recipe: ImageRecipe): Promise<string> {
  const files: Record<string, string> = {}
  for (const [name, url] of Object.entries(recipe.files)) {
    files[name] = createHash('sha256')
      .update(await readFile(url))
      .digest('hex')
  }
  const content = {
    name: recipe.name,
    revision: recipe.revision,
    packages: recipe.packages,
    kernelArguments: recipe.kernelArguments,
    defaultUser: recipe.defaultUser,
    settings: recipe.settings,
    files,
  }
  return createHash('sha256').update(canonicalize(content)!).digest('hex')
}
