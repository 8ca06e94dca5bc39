import type { ImageUser } from '../images/image-users.ts'
import { notedStates } from '../images/installations.ts'
import type { Config } from './config.ts'

/** Where installations that use the cache keep their machines, this one's included. */
export async function statesOf(config: Config): Promise<string[]> {
  return [...new Set([config.state, ...(await notedStates(config.cache))])]
}

/** Says that an image stays, and because of whom; makes the exit code 1. */
export function reportUsed(image: string, users: readonly ImageUser[]): void {
  const who = users.slice(0, 5).map((user) => user.name)
  if (users.length > 5) who.push(`${users.length - 5} more`)
  process.stderr.write(`in use   ${image}  by ${who.join(', ')}\n`)
  process.exitCode = 1
}

export function sizeText(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`
}
