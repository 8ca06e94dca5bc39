import { describe, expect, test } from 'vitest'
import type { Variable } from '../variable.ts'
import { maskMembers, secretMembers, unmaskMembers } from './secret-members.ts'

const config: Variable = {
  name: 'Config',
  options: {
    schema: {
      jsonschema: {
        properties: { token: { type: 'string', sensitive: true }, image: { type: 'string' } },
      },
    },
  },
}
const members = ['token']

describe('which members are secret', () => {
  test('the profile says it, whatever the instance’s own options say', () => {
    expect(secretMembers([config], { name: 'Config', options: {} })).toEqual(members)
    expect(secretMembers([config], { name: 'Config' })).toEqual(members)
  })
  test('a variable that the profile lacks says it itself', () => {
    expect(secretMembers([], config)).toEqual(members)
  })
  test.each([
    undefined,
    {},
    { schema: 'x' },
    { schema: { jsonschema: [] } },
    { schema: { jsonschema: null } },
  ])('none in %j', (options) => {
    expect(secretMembers([{ name: 'A', ...(options ? { options } : {}) }], { name: 'A' })).toEqual([])
  })
})

describe('masking', () => {
  test('secrets read as the mask, in their place, and nothing else changes', () => {
    expect(maskMembers('{"image":"i","token":"t","other":[1, 2.0]}', members)).toBe(
      '{"image":"i","token":"********","other":[1,2]}',
    )
    expect(maskMembers('{"token":{"deep":"t"}}', members)).toBe('{"token":"********"}')
  })
  test('of two members of one name, none shows', () => {
    expect(maskMembers('{"token":"one","token":"two"}', members)).not.toMatch(/one|two/)
    expect(maskMembers('{"token":"one","token":""}', members)).not.toContain('one')
  })
  test.each(['', 'text', '{"image" : "i"}', '[1]', 'null', '{"token":'])('%j stays', (text) => {
    expect(maskMembers(text, members)).toBe(text)
  })
})

describe('unmasking', () => {
  const stored = '{ "image": "i", "token": "t" }'
  test('the mask keeps what is stored, and what says the same is the stored text', () => {
    expect(unmaskMembers('Config', maskMembers(stored, members), stored, members)).toBe(stored)
    expect(unmaskMembers('Config', '{"image":"i","token":"t"}', stored, members)).toBe(stored)
  })
  test('with another change, the secret stays', () => {
    expect(unmaskMembers('Config', '{"image":"j","token":"********"}', stored, members)).toBe(
      '{"image":"j","token":"t"}',
    )
  })
  test.each(['{"image":"i","token":"new"}', '{"image":"i"}', '{"image":"********"}', 'text', ''])(
    '%j is taken as it is',
    (sent) => {
      expect(unmaskMembers('Config', sent, stored, members)).toBe(sent)
    },
  )
  test.each([undefined, '', '{"image":"i"}', '{"token":""}'])('nothing to keep in %j', (before) => {
    expect(() => unmaskMembers('Config', '{"token":"********"}', before, members)).toThrow(
      'Config.token: "********" keeps the stored value, but none is stored; send the value itself.',
    )
  })
})
