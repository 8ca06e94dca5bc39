/** What profiles and the image cache call a guest image. Without `..`, so that no path can escape. */
export const GUEST_IMAGE_NAME = '^[a-z0-9][a-z0-9-]*([.][a-z0-9-]+)*[.]?$'
export const MAX_GUEST_IMAGE_NAME = 63

/** The pattern in words, which complete "must be …". */
export const GUEST_IMAGE_NAME_WORDS =
  'lower-case letters, digits, dashes and single dots, at most 63, beginning with a letter or digit'

const matcher = new RegExp(GUEST_IMAGE_NAME)

export function isGuestImageName(text: string): boolean {
  return text.length <= MAX_GUEST_IMAGE_NAME && matcher.test(text)
}
