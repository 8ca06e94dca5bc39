import { isOneLine } from './one-line.ts'
import { utf8Length } from './utf8-length.ts'

/** The longest password in bytes that openssl-passwd(1) hashes whole; PAM and crypt(3) take 511. */
export const MAX_PASSWORD_BYTES = 256

/**
 * Why no guest could take the password, or nobody could type it.
 * @returns the problem as a phrase that completes "it …", without the password; null when it is good
 */
export function passwordProblem(password: string): string | null {
  if (password === '') return 'must not be empty'
  if (!isOneLine(password)) return 'must be one line without control characters'
  if (utf8Length(password) <= MAX_PASSWORD_BYTES) return null
  return `must be at most ${MAX_PASSWORD_BYTES} bytes in UTF-8, where a letter beyond ASCII takes 2 to 4`
}
