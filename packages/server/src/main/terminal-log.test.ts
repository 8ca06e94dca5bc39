import { expect, test } from 'vitest'
import { readableLine } from './terminal-log.ts'

test('a line of the log is a sentence with its figures, and cannot steer the terminal', () => {
  const entry = { level: 30, time: '2026-01-02T03:04:05.678Z', msg: 'request', method: 'GET', status: 404 }
  expect(readableLine(JSON.stringify(entry))).toBe('03:04:05 request method=GET status=404\n')
  const failed = { ...entry, level: 50, msg: 'step failed', err: { stack: 'Error: no\n    at here' } }
  expect(readableLine(JSON.stringify(failed))).toBe(
    '03:04:05 error: step failed method=GET status=404\nError: no\n    at here\n',
  )
  const hostile = { ...entry, path: '/\u001b[2Jx\u0007\u009b' }
  expect(readableLine(JSON.stringify(hostile))).toMatch(/path=\/x\?+\n$/)
  expect(readableLine('no JSON\n')).toBe('no JSON\n')
})
