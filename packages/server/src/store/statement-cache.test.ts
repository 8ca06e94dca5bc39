import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { StatementCache } from './statement-cache.ts'

function cacheWithTable(): StatementCache {
  const database = new DatabaseSync(':memory:')
  database.exec('create table things (id integer primary key, name text)')
  database.exec("insert into things (name) values ('a'), ('b')")
  return new StatementCache(database)
}

test('the same SQL is prepared once', () => {
  const cache = cacheWithTable()
  const sql = 'select name from things where id = ?'
  expect(cache.prepare(sql)).toBe(cache.prepare(sql))
  expect(cache.prepare(sql).all([1])).toEqual([{ name: 'a' }])
  expect(cache.prepare(sql).all([2])).toEqual([{ name: 'b' }])
})

test('a statement that failed runs again', () => {
  const cache = cacheWithTable()
  const sql = 'insert into things (id, name) values (?, ?)'
  expect(() => cache.prepare(sql).run([1, 'c'])).toThrow(/UNIQUE/)
  expect(cache.prepare(sql).run([3, 'c'])).toMatchObject({ changes: 1 })
})

test('after a change of a table, rows have its new columns', () => {
  const cache = cacheWithTable()
  const sql = 'select * from things where id = 1'
  expect(cache.prepare(sql).all([])).toEqual([{ id: 1, name: 'a' }])
  cache.prepare("alter table things add column size text default 'big'").run([])
  expect(cache.prepare(sql).all([])).toEqual([{ id: 1, name: 'a', size: 'big' }])
})

test('the same SQL can be read from row by row by two at a time', () => {
  const cache = cacheWithTable()
  const sql = 'select name from things order by id'
  const first = cache.prepare(sql).iterate([])
  expect(first.next().value).toEqual({ name: 'a' })
  expect(cache.prepare(sql).all([])).toHaveLength(2)
  expect([...cache.prepare(sql).iterate([])]).toHaveLength(2)
  expect(first.next().value).toEqual({ name: 'b' })
})

test('SQL whose text keeps varying does not fill the memory, and still runs', () => {
  const cache = cacheWithTable()
  for (let number = 0; number < 1_000; number += 1) {
    expect(cache.prepare(`select ${number} as number`).all([])).toEqual([{ number }])
  }
})
