import { expect, test } from 'vitest'
import { apiKeyId, hashApiKey, newApiKey } from './api-key-format.ts'

test('a new key carries its public id and is hashed whole', () => {
  const made = newApiKey()
  expect(made.key).toMatch(/^berth_[a-z2-7]{16}_[a-z2-7]{47}$/)
  expect(apiKeyId(made.key)).toBe(made.id)
  expect(made.hash).toBe(hashApiKey(made.key))
  expect(made.hash).not.toContain(made.key)
})

test('one changed, missing or added character makes it no key', () => {
  const { key } = newApiKey()
  for (let at = 0; at < key.length; at++) {
    const other = key[at] === 'q' ? 'r' : 'q'
    expect(apiKeyId(key.slice(0, at) + other + key.slice(at + 1)), `changed at ${at}`).toBeNull()
  }
  expect(apiKeyId(key.slice(0, -1))).toBeNull()
  expect(apiKeyId(`${key}a`)).toBeNull()
  expect(apiKeyId('')).toBeNull()
})
