import { expect, test } from 'vitest'
import { judgeRelay, parseRequest, parseResponse, RELAY_OLDEST, RELAY_VERSION } from './relay-protocol.ts'

const forward = {
  id: 'a1/ssh',
  networkKey: 'p1',
  namespace: 'berth-abc123-p1',
  listen: { address: '127.0.0.1', port: 0 },
  protocol: 'tcp',
  target: { address: '10.64.0.5', port: 22 },
  gate: [{ action: 'allow', from: [[0, 4_294_967_295]] }],
}

test('well-formed requests are read, and members nobody asked for are left out', () => {
  expect(parseRequest('{"op":"ping","more":1}')).toEqual({ op: 'ping' })
  expect(parseRequest('{"op":"remove","id":"a1/ssh"}')).toEqual({ op: 'remove', id: 'a1/ssh' })
  expect(parseRequest(JSON.stringify({ op: 'ensure', forward: { ...forward, x: 1 } }))).toEqual({
    op: 'ensure',
    forward,
  })
  expect(parseRequest('{"op":"list"}')).toEqual({ op: 'list' })
  expect(parseRequest('{"op":"list","prefix":"a1/"}')).toEqual({ op: 'list', prefix: 'a1/' })
})

test.each([
  ['no JSON', '{', 'JSON'],
  ['no object', '[]', 'not an object'],
  ['unknown request', '{"op":"reboot"}', 'unknown request'],
  ['prefix that is no text', '{"op":"list","prefix":1}', 'prefix is malformed'],
  ['no id', '{"op":"remove"}', 'id is malformed'],
  ['id with a space', '{"op":"remove","id":"a b"}', 'id is malformed'],
  ['no forward', '{"op":"ensure"}', 'forward is not an object'],
  ['listening beyond loopback', ensure({ listen: { address: '0.0.0.0', port: 1 } }), 'loopback'],
  ['listening on a name', ensure({ listen: { address: 'localhost', port: 1 } }), 'IPv4'],
  ['port out of range', ensure({ listen: { address: '127.0.0.1', port: 65_536 } }), 'listen.port'],
  ['port that is text', ensure({ listen: { address: '127.0.0.1', port: '22' } }), 'listen.port'],
  ['target port 0', ensure({ target: { address: '10.64.0.5', port: 0 } }), 'target.port'],
  ['a kept place that is UDP', ensure({ target: null, protocol: 'udp' }), 'kept'],
  ['unknown protocol', ensure({ protocol: 'icmp' }), 'protocol'],
  ['gate that is text', ensure({ gate: 'any' }), 'gate'],
  ['gate with a reversed interval', ensure({ gate: [{ action: 'allow', from: [[2, 1]] }] }), 'gate'],
  ['gate with an unknown action', ensure({ gate: [{ action: 'log', from: [] }] }), 'gate'],
  ['namespace that is a path', ensure({ namespace: '../x' }), 'namespace is malformed'],
  ['namespace of another key', ensure({ namespace: 'berth-abc123-p2' }), 'namespace is not'],
])('a request is refused: %s', (_what, line, complaint) => {
  expect(() => parseRequest(line)).toThrow(complaint)
})

test('answers are read, and anything else is not an answer', () => {
  expect(parseResponse('{"ok":true,"version":1,"pid":7}')).toEqual({ ok: true, version: 1, pid: 7 })
  expect(parseResponse('{"ok":false,"code":"EADDRINUSE","message":"in use"}')).toEqual({
    ok: false,
    code: 'EADDRINUSE',
    message: 'in use',
  })
  expect(() => parseResponse('{}')).toThrow('not an answer')
})

test('a relay of another version is replaced when idle, kept when compatible, drained otherwise', () => {
  expect(judgeRelay(RELAY_VERSION, true)).toBe('use')
  expect(judgeRelay(RELAY_VERSION, false)).toBe('use')
  expect(judgeRelay(RELAY_VERSION + 1, false)).toBe('replace')
  expect(judgeRelay(RELAY_VERSION + 1, true)).toBe('drain')
  expect(judgeRelay(RELAY_OLDEST - 1, true)).toBe('drain')
})

function ensure(change: object): string {
  return JSON.stringify({ op: 'ensure', forward: { ...forward, ...change } })
}
