import { HostError } from '@berth/contract/host/host-error'
import { runCommand } from '../../host/run-command.ts'

/** Longest password in bytes that openssl-passwd(1) hashes whole. */
const maxPasswordBytes = 256

/**
 * The SHA-512-crypt hash of a password (`$6$salt$…`), as shadow(5) holds it. The password goes to openssl
 * on its standard input, where no process list shows it. `salt` is random unless given. Throws a HostError
 * on a password that nobody could type at a login: empty, too long, or with a control character.
 */
export async function hashPassword(password: string, salt?: string): Promise<string> {
  if (password === '') refuse('it is empty')
  if (Buffer.byteLength(password) > maxPasswordBytes) refuse(`it is longer than ${maxPasswordBytes} bytes`)
  // A line feed would end openssl's input early and hash only what stands before it.
  if (/\p{Cc}/u.test(password)) refuse('it holds a line break or another control character')
  if (salt !== undefined && !/^[a-zA-Z0-9./]{1,16}$/.test(salt)) refuse('the salt is not valid')
  const salted = salt === undefined ? [] : ['-salt', salt]
  const hash = (
    await runCommand('openssl', ['passwd', '-6', ...salted, '-stdin'], { input: `${password}\n` })
  ).trim()
  if (!/^\$6\$[a-zA-Z0-9./]{1,16}\$[a-zA-Z0-9./]{86}$/.test(hash)) {
    throw new HostError(
      'openssl passwd -6 did not answer with a SHA-512-crypt hash. Is openssl 1.1.1 or newer?',
    )
  }
  return hash
}

function refuse(why: string): never {
  throw new HostError(`The password cannot be set: ${why}.`, { retryable: false })
}
