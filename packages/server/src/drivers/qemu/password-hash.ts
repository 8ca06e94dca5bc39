import { HostError } from '@berth/contract/host/host-error'
import { checkPassword } from '../machine-rules.ts'
import { runCommand } from '../../host/run-command.ts'

/**
 * The SHA-512-crypt hash of a password (`$6$salt$…`), as shadow(5) holds it. The password goes to openssl
 * on its standard input, where no process list shows it. `salt` is random unless given. Throws a HostError
 * on a password that nobody could type at a login: empty, too long, or with a control character.
 */
export async function hashPassword(password: string, salt?: string): Promise<string> {
  // A line feed would end openssl's input early and hash only what stands before it.
  checkPassword(password)
  if (salt !== undefined && !/^[a-zA-Z0-9./]{1,16}$/.test(salt)) {
    throw new HostError('The password cannot be set: the salt is not valid.', { retryable: false })
  }
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
