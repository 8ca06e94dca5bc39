import { expect, test } from 'vitest'
import { serviceOutput, type ServiceFacts } from './service-output.ts'

const facts: ServiceFacts = {
  template: 'inference',
  application: {
    tls: true,
    outputs: [
      { key: 'Endpoint URL', kind: 'url', path: '/v1', secret: false },
      { key: 'API Key', kind: 'text', value: 'sk-1', secret: true },
      { key: 'Model', kind: 'text', value: 'org/model', secret: false },
    ],
  },
  applicationPlace: { address: '127.64.0.7', port: 443 },
  ssh: { address: '127.0.0.1', port: 40_022 },
  username: 'debian',
  password: 'pass',
  privateAddress: '10.64.0.3',
  publicAddress: '127.64.0.7',
}

function valuesOf(change: Partial<ServiceFacts>, masked = false): Record<string, string> {
  const { inference } = serviceOutput({ ...facts, ...change }, masked)
  const entries = Object.entries(inference?.tasks['application'] ?? {})
  return Object.fromEntries(entries.map(([key, { value }]) => [key, value]))
}

test('the profile’s keys come first, then how to get into the machine', () => {
  expect(Object.entries(valuesOf({}))).toEqual([
    ['Endpoint URL', 'https://127.64.0.7/v1'],
    ['API Key', 'sk-1'],
    ['Model', 'org/model'],
    ['SSH Command', 'ssh -p 40022 debian@127.0.0.1'],
    ['Username', 'debian'],
    ['Password', 'pass'],
    ['Private IP', '10.64.0.3'],
    ['Public IP', '127.64.0.7'],
  ])
})

test.each([
  [true, 443, 'https://127.64.0.7/v1'],
  [true, 80, 'https://127.64.0.7:80/v1'],
  [false, 80, 'http://127.64.0.7/v1'],
  [false, 443, 'http://127.64.0.7:443/v1'],
])('with TLS %s at port %i, the address is %s', (tls, port, url) => {
  const application = { ...facts.application!, tls }
  const place = { address: '127.64.0.7', port }
  expect(valuesOf({ application, applicationPlace: place })['Endpoint URL']).toBe(url)
})

test('what is not reached has no address, and a machine without an application only its own keys', () => {
  expect(valuesOf({ applicationPlace: null, ssh: null })).toMatchObject({
    'Endpoint URL': '',
    'SSH Command': '',
  })
  expect(Object.keys(valuesOf({ application: null }))[0]).toBe('SSH Command')
})

test('masked, it tells that there is a secret and not which', () => {
  expect(valuesOf({}, true)).toMatchObject({
    'API Key': '********',
    Password: '********',
    Model: 'org/model',
  })
  expect(valuesOf({ password: '' }, true)['Password']).toBe('')
})

test('the machine’s keys hold no word by which clients find the application', () => {
  const keys = Object.keys(valuesOf({ application: null }))
  expect(keys.filter((key) => /url|endpoint|host|token|key/i.test(key))).toEqual([])
})
