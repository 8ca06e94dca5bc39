import { expect, test } from 'vitest'
import { SchemaComponents } from './hoist-schemas.ts'

const by = { title: 'Principal', type: 'object', properties: { id: { type: 'string' } } }

test('titled schemas become references to one component each, wherever they are', () => {
  const components = new SchemaComponents()
  const list = {
    title: 'List',
    type: 'array',
    items: { type: 'object', properties: { a: by, b: { ...by } } },
  }
  const either = { anyOf: [by, { type: 'null' }], additionalProperties: false }
  const reference = { $ref: '#/components/schemas/Principal' }
  expect(components.hoist(list)).toEqual({ $ref: '#/components/schemas/List' })
  expect(components.hoist(either)).toEqual({ ...either, anyOf: [reference, { type: 'null' }] })
  expect(components.all()).toEqual({
    List: { type: 'array', items: { type: 'object', properties: { a: reference, b: reference } } },
    Principal: { type: 'object', properties: by.properties },
  })
})

test('a member that is called title, and what is only an example, stay as they are', () => {
  const schema = { type: 'object', properties: { title: { type: 'string' } }, examples: [{ title: 'x' }] }
  expect(new SchemaComponents().hoist(schema)).toEqual(schema)
})

test('two different schemas of one title are refused', () => {
  const components = new SchemaComponents()
  components.hoist(by)
  expect(() => components.hoist({ ...by, type: 'array' })).toThrow('the title Principal')
})

test('an enum of words says that it is text', () => {
  expect(new SchemaComponents().hoist({ enum: ['a', 'b'] })).toEqual({ type: 'string', enum: ['a', 'b'] })
})
