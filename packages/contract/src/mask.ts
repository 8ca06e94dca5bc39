/** What a reader sees in place of a secret. Sent back, it means: keep what is stored. */
export const MASK = '********'
