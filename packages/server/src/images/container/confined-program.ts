import { missingProgram } from '../../host/missing-program.ts'
import { type CommandOptions, type CommandResult, tryCommand } from '../../host/run-command.ts'

/**
 * Ends a program with the process that started it, however that ends, and keeps what it mounts to itself: its own
 * process namespace is killed whole, its own mount namespace leaves nothing behind (setpriv(1), unshare(1)). The
 * root of an image gets its mode from the umask, and users inside a container must be able to enter it.
 */
const CONFINED = [
  ...'--pdeathsig KILL sh -c'.split(' '),
  'umask 022 && exec "$@"',
  ...'sh unshare --mount --pid --fork --kill-child=KILL'.split(' '),
]

/**
 * Runs a program that works on container images, whatever its exit code.
 * @throws HostError when it is missing or overruns its time; the signal's reason when that is aborted
 */
export async function runConfined(
  program: string,
  words: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const result = await tryCommand('setpriv', [...CONFINED, program, ...words], options)
  if (result.code === 127 && result.stderr.startsWith('unshare:')) throw missingProgram(program)
  return result
}
