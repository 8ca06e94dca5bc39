import { expect, test } from 'vitest'
import { LogDestination } from './log-destination.ts'

test('a full disk costs log lines, which are counted, and never the server', () => {
  let room = Number.MAX_SAFE_INTEGER
  let written = ''
  const log = new LogDestination(2, (_fd, data) => {
    if (room === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    const taken = Math.min(room, data.length)
    room -= taken
    written += data.subarray(0, taken).toString()
    return taken
  })
  log.write('{"msg":"one"}\n')
  room = 5
  log.write('{"msg":"two"}\n')
  log.write('{"msg":"three"}\n')
  room = Number.MAX_SAFE_INTEGER
  log.write('{"msg":"four"}\n')
  log.write('{"msg":"five"}\n')
  expect(written.split('\n')).toEqual([
    '{"msg":"one"}',
    '{"msg',
    '{"level":40,"lost":2,"msg":"log lines were lost"}',
    '{"msg":"four"}',
    '{"msg":"five"}',
    '',
  ])
})

test('a reader that is behind is waited for', () => {
  let tries = 0
  let written = ''
  const log = new LogDestination(2, (_fd, data) => {
    tries += 1
    if (tries < 3) throw Object.assign(new Error('busy'), { code: 'EAGAIN' })
    written += data.toString()
    return data.length
  })
  log.write('{"msg":"one"}\n')
  expect(written).toBe('{"msg":"one"}\n')
})
