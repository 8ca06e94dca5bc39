import { isOneLine } from '../one-line.ts'
import { utf8Length } from '../utf8-length.ts'
import { CONTAINER_PATH, ENVIRONMENT_NAME, URL_PATH, VOLUME_NAME } from './application-names.ts'

/**
 * Bytes of one argument, or of one variable of the environment with its name: podman reads variables from lines of
 * less than 64 KiB (Go's bufio.MaxScanTokenSize). The kernel takes 128 KiB (execve(2), MAX_ARG_STRLEN).
 */
export const MAX_WORD_BYTES = 64 * 1024 - 1

/** Bytes of all arguments and variables together; the kernel takes 2 MiB with a stack of the usual size. */
export const MAX_WORDS_BYTES = 1024 * 1024

/** What of an application's settings is written into its guest (application-settings.ts). */
export interface GuestWords {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly secretEnvironment: Readonly<Record<string, string>>
  readonly files: readonly { readonly path: string; readonly content: string }[]
  readonly volumes: readonly { readonly name: string; readonly path: string }[]
  readonly containerPort: number
  readonly port: number
  readonly paths?: readonly string[]
}

/**
 * Why a guest could not run an application with these words: the API refuses such settings, and no driver hands them on.
 * @returns a phrase without any value, since that may be a secret; null when all is well
 */
export function applicationProblem(words: GuestWords): string | null {
  const { files, volumes, containerPort, port, paths = [] } = words
  if (![port, containerPort].every(isPort)) return 'a port is not a number from 1 to 65535'
  if (!paths.every(matches(URL_PATH))) return 'a path that it shows is not valid'
  if (!files.every(({ path }) => isContainerPath(path))) return 'the path of a file is not valid'
  if (!files.every(({ content }) => content.isWellFormed())) return 'a file holds half of a character'
  if (!volumes.every(({ path }) => isContainerPath(path))) return 'the path of a volume is not valid'
  if (!volumes.every(({ name }) => isVolumeName(name))) return 'the name of a volume is not valid'
  return processProblem(words)
}

type ProcessWords = Pick<GuestWords, 'arguments' | 'environment' | 'secretEnvironment'>

function processProblem({ arguments: words, environment, secretEnvironment }: ProcessWords): string | null {
  let bytes = 0
  for (const [name, value] of [environment, secretEnvironment].flatMap((it) => Object.entries(it))) {
    if (!isEnvironmentName(name)) return 'the name of an environment variable is not valid'
    const problem = wordProblem(value, utf8Length(name) + 1)
    if (problem !== null) return `the environment variable ${name} ${problem}`
    bytes += utf8Length(name) + utf8Length(value)
  }
  for (const word of words) {
    const problem = wordProblem(word)
    if (problem !== null) return `an argument ${problem}`
    bytes += utf8Length(word)
  }
  if (bytes <= MAX_WORDS_BYTES) return null
  return `its arguments and environment have more than ${MAX_WORDS_BYTES} bytes together`
}

/** @param extra bytes that stand before it, a variable's name and equals sign */
function wordProblem(text: string, extra = 0): string | null {
  if (!isOneLine(text)) return 'must be one line without control characters'
  return utf8Length(text) + extra <= MAX_WORD_BYTES
    ? null
    : `must be at most ${MAX_WORD_BYTES} bytes in UTF-8`
}

const isContainerPath = matches(CONTAINER_PATH)
const isVolumeName = matches(VOLUME_NAME)
const isEnvironmentName = matches(ENVIRONMENT_NAME)

function matches(pattern: string): (text: string) => boolean {
  const matcher = new RegExp(pattern)
  return (text) => matcher.test(text)
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 65_535
}
