import { expect, test } from 'vitest'
import { webFiles } from './web-files.ts'

const tls = { chain: 'CHAIN', root: 'ROOT', name: 'notebook.example.org' }

function configurationOf(application: Parameters<typeof webFiles>[0]): string {
  return webFiles(application)[0]!.content
}

test('it listens on the port and hands over to the application on loopback', () => {
  const plain = configurationOf({ port: 80, containerPort: 8888, tls: null })
  expect(plain).toContain('listen 80;')
  expect(plain).toContain('proxy_pass http://127.0.0.1:8888;')
  expect(plain).not.toContain('ssl')
})

test('with a certificate it answers by TLS, with a key that is not among the files', () => {
  const files = webFiles({ port: 443, containerPort: 8888, tls })
  expect(files[0]!.content).toContain('listen 443 ssl http2;')
  expect(files.map(({ content }) => content).slice(1)).toEqual(['CHAIN', 'ROOT'])
  expect(files.some(({ path }) => path.includes('key'))).toBe(false)
})

test('the client’s host and port are passed on once they are known to be some', () => {
  const content = configurationOf({ port: 443, containerPort: 8888, tls })
  const passedOn = content.match(/(proxy_set_header|return|error_page) .*;/g) ?? []
  expect(passedOn.length).toBeGreaterThan(8)
  expect(passedOn.filter((line) => /\$(http_host|host|server_port)\b/.test(line))).toEqual([])
  expect(content).toContain('absolute_redirect off;')
})

test('nothing that a user names is in its configuration', () => {
  expect(configurationOf({ port: 443, containerPort: 8888, tls })).not.toContain(tls.name)
})

test('only the paths of the profile are passed on, as nginx understood them', () => {
  const paths = ['/v1/', '/health', '/health']
  const shown = configurationOf({ port: 80, containerPort: 8000, tls: null, paths })
  const locations = [...shown.matchAll(/location (.*) \{\n\s*(.*);/g)].map(([, match, what]) => [match, what])
  expect(locations).toEqual([
    ['^~ /v1/', 'proxy_pass http://127.0.0.1:8000/v1/'],
    ['= /health', 'proxy_pass http://127.0.0.1:8000/health'],
    ['/', 'return 404'],
  ])
})
