import type { Variable } from '@berth/contract/variable'
import { expect, test } from 'vitest'
import type { ComputeInstanceRow } from '../store/schema.ts'
import { sentVariables } from './sent-variables.ts'

const members = (sensitive: boolean) => ({ schema: { jsonschema: { properties: { pass: { sensitive } } } } })

/** What is stored of a secret variable, or of one with a secret member. */
function stored(before: Variable[], variable: Variable, masked?: string) {
  const sealed = { ...variable, sealed: 'x', value: masked }
  const row = { variables: JSON.stringify([sealed]) } as ComputeInstanceRow
  return { row, before: { spec: {}, profile: { variables: before }, variables: [variable] } }
}

const whole = stored([{ name: 'Key', options: { sensitive: true } }], { name: 'Key', value: 'word' })
const part = stored(
  [{ name: 'Extra', options: members(true) }],
  { name: 'Extra', value: '{"pass":"word"}' },
  '{"pass":"********"}',
)
const key = { name: 'Key', value: '********' }
const extra = { name: 'Extra', value: '{"pass":"********"}' }

test.each([
  ['a profile without the variable', [], key, whole, 'Key'],
  ['a profile that calls it no secret', [{ name: 'Key' }], key, whole, 'Key'],
  ['a profile without the variable of the member', [], extra, part, 'Extra.pass'],
  [
    'one that calls the member no secret',
    [{ name: 'Extra', options: members(false) }],
    extra,
    part,
    'Extra.pass',
  ],
])('with %s, a mask is refused', (_, profile, sent, existing, field) => {
  expect(() => sentVariables(profile, [sent], existing)).toThrow(
    expect.objectContaining({
      reason: 'BadRequest',
      field,
      message: expect.stringContaining('keeps a secret only where it is one') as string,
    }) as Error,
  )
})

test('where it is a secret still, a mask is the stored value', () => {
  const [same] = sentVariables([{ name: 'Key', options: { sensitive: true } }], [key], whole)
  expect(same?.value).toBe('word')
  const [member] = sentVariables([{ name: 'Extra', options: members(true) }], [extra], part)
  expect(member?.value).toBe('{"pass":"word"}')
})

test('the value itself may be sent for what is no secret any more', () => {
  expect(sentVariables([], [{ name: 'Key', value: 'new' }], whole)[0]?.value).toBe('new')
  expect(sentVariables([], [{ name: 'Extra', value: '{"pass":"new"}' }], part)[0]?.value).toBe(
    '{"pass":"new"}',
  )
})
