/** A Unix user name: what useradd(8) takes. */
export const USER_NAME = '^[a-z_][a-z0-9_-]{0,31}$'

const matcher = new RegExp(USER_NAME)

export function isUserName(text: string): boolean {
  return matcher.test(text)
}
