import { debian12Recipe } from './debian-12/recipe.ts'
import { debian12ServicesRecipe } from './debian-12-services/recipe.ts'
import type { ImageRecipe } from './recipe.ts'
import { tinyRecipe } from './tiny/recipe.ts'
import { WrongArgument } from './wrong-argument.ts'

const recipes: readonly ImageRecipe[] = [tinyRecipe, debian12Recipe, debian12ServicesRecipe]

/** Names of the images that can be built here. */
export const imageNames: readonly string[] = recipes.map((recipe) => recipe.name)

/** @throws WrongArgument for a name without a recipe. */
export function recipeNamed(name: string): ImageRecipe {
  const recipe = recipes.find((candidate) => candidate.name === name)
  if (recipe) return recipe
  throw new WrongArgument(`There is no guest image named '${name}'. There are: ${imageNames.join(', ')}.`)
}
