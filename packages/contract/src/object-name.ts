import Type from 'typebox'

/** Lower-case letters, digits and inner dashes, at most 63: an RFC 1123 label, so that it can be a hostname. */
export const OBJECT_NAME_PATTERN = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'

const matcher = new RegExp(OBJECT_NAME_PATTERN)

/** The pattern in words, which complete "must be …". */
export const OBJECT_NAME_WORDS =
  'lower-case letters, digits and dashes, at most 63, beginning and ending with a letter or digit'

export const ObjectName = Type.String({
  pattern: OBJECT_NAME_PATTERN,
  description: `${OBJECT_NAME_WORDS.charAt(0).toUpperCase()}${OBJECT_NAME_WORDS.slice(1)}`,
  examples: ['vm-test-api-4'],
})

/** Whether the text may name a workspace, an instance, a service, a profile or a project. */
export function isObjectName(text: string): boolean {
  return matcher.test(text)
}
