import Value from 'typebox/value'
import { expect, test } from 'vitest'
import { ApplicationProfile } from './application-profile.ts'

const application = {
  image: { member: 'Image' },
  containerPort: 8000,
  health: { path: '/health', statuses: [200], timeoutSeconds: 60 },
}

test.each<[string, object]>([
  ['the least', {}],
  ['a file of lines', { files: [{ path: '/etc/app.conf', content: 'a = {port}\nb = 1\n' }] }],
  ['quotes and blanks', { arguments: ['--a="b c"', '$HOME'], environment: { A: ' "x" ' } }],
])('takes %s', (_, more) => {
  expect(Value.Check(ApplicationProfile, { ...application, ...more })).toBe(true)
})

test.each<[string, object]>([
  ['an unknown member', { argument: [] }],
  ['an argument of two lines', { arguments: ['a\nb'] }],
  ['an option’s value of two lines', { arguments: [{ flag: '--a', value: 'a\u0085b' }] }],
  ['a translated value of two lines', { arguments: [{ value: { member: 'A', values: { a: 'b\r' } } }] }],
  ['an environment of two lines', { environment: { A: 'x\nB=y' } }],
  ['an environment’s name that is none', { secretEnvironment: { 'A=B\nC': 'x' } }],
  ['a relative path', { files: [{ path: 'etc/x', content: '' }] }],
  ['a path that leads out', { files: [{ path: '/etc/../x', content: '' }] }],
  ['a path with blanks', { volumes: [{ name: 'a', path: '/a b;c' }] }],
  ['a volume whose name is a path', { volumes: [{ name: '../a', path: '/a' }] }],
  ['a path with a quotation mark', { paths: ['/v1/"; return 200'] }],
  ['a health path that is an address', { health: { ...application.health, path: '//evil.example/{port}' } }],
  ['a port of the system', { containerPort: 80 }],
])('refuses %s', (_, more) => {
  expect(Value.Check(ApplicationProfile, { ...application, ...more })).toBe(false)
})
