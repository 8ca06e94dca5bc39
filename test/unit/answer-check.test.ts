import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { checkAnswer } from '../support/answer-check.ts'
import { findOperation } from '../support/openapi-document.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const WORKSPACE = '/apis/paas.envmgmt.io/v1/projects/p/workspaces/dev1'
const json = { method: 'GET', contentType: 'application/json; charset=utf-8' }
const NOT_FOUND = {
  code: 404,
  message: 'Workspace "dev1" not found.',
  reason: 'NotFound',
  internal: '',
  external: '',
}

test('a path finds its operation with a query, with a slash at its end, and by its own words first', () => {
  expect(findOperation('GET', `${WORKSPACE}?a=/b`)?.operation.operationId).toBe('getWorkspace')
  expect(findOperation('DELETE', `${WORKSPACE}/`)?.operation.operationId).toBe('deleteWorkspace')
  expect(findOperation('GET', `${WORKSPACE}/computeinstances`)?.operation.operationId).toBe(
    'listComputeInstances',
  )
  expect(findOperation('PUT', WORKSPACE)).toBeUndefined()
})

test('a documented answer passes and is recorded; a path that is not in the document is passed over', async () => {
  const reports = await tempDir()
  vi.stubEnv('BERTH_REPORTS', reports)
  try {
    checkAnswer({ ...json, path: WORKSPACE, status: 404, body: NOT_FOUND })
    checkAnswer({ ...json, path: '/no/such/path', status: 404, body: 'whatever' })
    checkAnswer({ ...json, path: '/healthz', status: 200, body: { status: 'ok', version: '1' } })
  } finally {
    vi.unstubAllEnvs()
  }
  expect(readFileSync(join(reports, 'operations'), 'utf8')).toBe('getWorkspace 404\ngetHealth 200\n')
})

test.each([
  ['a status', { status: 418, body: NOT_FOUND }, 'getWorkspace: GET .* answered 418 .*its statuses are 200,'],
  ['a content type', { status: 404, contentType: 'text/html', body: '' }, 'no such answer'],
  ['no body', { status: 404, body: null }, '/ must be object'],
  ['a member', { status: 404, body: { ...NOT_FOUND, code: '404' } }, '/code must be integer'],
])('%s that the document does not have fails, naming the operation and the place', (_what, wrong, words) => {
  expect(() => checkAnswer({ ...json, path: WORKSPACE, ...wrong })).toThrow(new RegExp(words, 's'))
})

test('waiting for something else does not hide it', async () => {
  let looks = 0
  const look = () => {
    if (looks++ === 0) checkAnswer({ ...json, path: WORKSPACE, status: 418, body: null })
    return true
  }
  await expect(waitFor(look, { deadlineSeconds: 5, what: 'it', intervalMs: 1 })).rejects.toThrow('418')
})
