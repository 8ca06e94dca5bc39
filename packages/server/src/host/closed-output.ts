import { constants } from 'node:os'
import { errorCode } from './error-code.ts'

/** What a shell reports of a program that SIGPIPE ended. */
const PIPE_CLOSED = 128 + constants.signals.SIGPIPE

/**
 * Ends this process quietly once nobody reads its standard output any more, as SIGPIPE ends other programs: Node
 * ignores that signal. What it says on standard error meanwhile is only lost.
 */
export function endWithReader(): void {
  for (const [stream, lost] of [
    [process.stdout, () => process.exit(PIPE_CLOSED)],
    [process.stderr, () => {}],
  ] as const) {
    stream.on('error', (error) => {
      if (errorCode(error) !== 'EPIPE') throw error
      lost()
    })
  }
}
