import { expect, test } from 'vitest'
import { readObservation } from './observe-application.ts'

function output(unit: Record<string, string>, answer: string, ...journal: string[]): string {
  const properties = Object.entries(unit).map(([name, value]) => `${name}=${value}\n`)
  return `${properties.join('')}\n${answer}\n${journal.map((line) => `${line}\n`).join('')}`
}

function said(text: string): string {
  return JSON.stringify({ MESSAGE: `${text}\n`, PRIORITY: '6', CONTAINER_NAME: 'berth-application' })
}

const running = { ActiveState: 'active', NRestarts: '0', ExecMainCode: '0', ExecMainStatus: '0' }
const ended = {
  ActiveState: 'failed',
  Result: 'exit-code',
  // systemd also counts what was before the hour, and the restart that it refused.
  NRestarts: '5',
  ExecMainCode: '1',
  ExecMainStatus: '3',
}

test('a status among those of the profile means that it answers', () => {
  expect(readObservation(output(running, '403 '), [200, 403])).toEqual({
    state: 'answering',
    detail: 'HTTP 403',
    log: [],
  })
})

test.each([
  ['502 ', 'the application does not listen yet'],
  ['504 ', 'took too long'],
  ['500 ', 'it answers with HTTP 500'],
  ['000 Failed to connect to 127.0.0.1', 'the web server does not answer: Failed to connect to 127.0.0.1.'],
  ['', 'does not answer: no reason given'],
])('%j is still starting, and says why', (answer, detail) => {
  const seen = readObservation(output(running, answer), [200])
  expect(seen.state).toBe('starting')
  expect(seen.detail).toContain(detail)
})

test('one that ended too often has failed, with how it ended and its last words', () => {
  expect(readObservation(output(ended, '502 ', said('no such model')), [200])).toEqual({
    state: 'failed',
    detail: 'It ended with status 3, 4 times within an hour.',
    log: [{ text: 'no such model', isWhole: true }],
  })
  const killed = readObservation(output({ ...ended, ExecMainCode: '2', ExecMainStatus: '9' }, '502 '), [200])
  expect(killed.detail).toContain('by signal 9')
})

test('one that ends in good order, but at once each time, has failed too', () => {
  const idle = { ...ended, Result: 'success', ExecMainStatus: '0' }
  expect(readObservation(output(idle, '502 '), [200])).toMatchObject({
    state: 'failed',
    detail: 'It ended with status 0 as soon as it was started, 4 times within an hour.',
  })
})

test('one that was stopped in its guest has failed, unless its start waits for its turn', () => {
  const off = { ...running, ActiveState: 'inactive', Job: '0' }
  expect(readObservation(output(off, '502 '), [200])).toMatchObject({
    state: 'failed',
    detail: 'It was stopped in the guest.',
  })
  expect(readObservation(output({ ...off, Job: '512' }, '502 '), [200]).state).toBe('starting')
})

test('while it is restarted it has not failed', () => {
  const between = { ...ended, ActiveState: 'activating', NRestarts: '1' }
  expect(readObservation(output(between, '502 '), [200])).toMatchObject({
    state: 'starting',
    detail: 'it ended with status 3, and is started again (1).',
  })
})

test('podman’s own error is told where podman gave up, and not where the application ended by itself', () => {
  const error = JSON.stringify({
    MESSAGE: 'Error: unable to find user nobody-here: no matching entries in passwd file',
    PRIORITY: '6',
    _TRANSPORT: 'stdout',
  })
  const gaveUp = { ...ended, ExecMainStatus: '126' }
  expect(readObservation(output(gaveUp, '502 ', error), [200])).toEqual({
    state: 'failed',
    detail: 'It ended with status 126, 4 times within an hour.',
    log: [],
    engineError: 'unable to find user nobody-here: no matching entries in passwd file',
  })
  const again = { ...running, ActiveState: 'activating', NRestarts: '2' }
  expect(readObservation(output(again, '502 ', error), [200])).toMatchObject({
    state: 'starting',
    engineError: expect.stringContaining('nobody-here'),
  })
  expect(readObservation(output(ended, '502 ', error), [200])).not.toHaveProperty('engineError')
})

test('a guest that says something else is not up', () => {
  expect(readObservation('', [200]).state).toBe('starting')
  expect(readObservation('200\n200\n200', [200]).state).toBe('starting')
})
