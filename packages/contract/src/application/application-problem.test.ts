import { expect, test } from 'vitest'
import { applicationProblem, MAX_WORD_BYTES, type GuestWords } from './application-problem.ts'

const good: GuestWords = {
  arguments: ['--model', 'a b"c', '$(reboot)', 'ünï 🚢'],
  environment: { GREETING: 'a "b" $c, d' },
  secretEnvironment: { API_KEY: " s3cr'et#=\\ " },
  files: [{ path: '/home/user/config.json', content: '{"token":\n"hidden"}\u0000' }],
  volumes: [{ name: 'work', path: '/home/user/work' }],
  containerPort: 8000,
  port: 443,
  paths: ['/v1/', '/health'],
}

test('what the characters of lines do not spoil is taken', () => {
  expect(applicationProblem(good)).toBeNull()
})

test.each<Partial<GuestWords>>([
  { secretEnvironment: { KEY: 'a\nPATH=/tmp' } },
  { secretEnvironment: { KEY: 'a\u0085b' } },
  { secretEnvironment: { 'KEY=x\nPATH': 'a' } },
  { environment: { KEY: 'a\u0000b' } },
  { environment: { KEY: 'a\u2028b' } },
  { environment: { KEY: 'half \ud800' } },
  { environment: { '1ST': 'a' } },
  { files: [{ path: '/a,source=/etc/shadow', content: '' }] },
  { files: [{ path: '/a/../etc/shadow', content: '' }] },
  { files: [{ path: '/a', content: '\udc00' }] },
  { volumes: [{ name: 'a:/', path: '/work' }] },
  { volumes: [{ name: 'work', path: '/work:U,exec' }] },
  { arguments: ['a\u0000b'] },
  { arguments: ['a\u009bb'] },
  ...['/a b', '/{', '/a;', 'v1/', '/$host', '/a\n'].map((path) => ({ paths: [path] })),
  ...[Number.NaN, 0, 65_536, 80.5, '80; include /etc/shadow' as unknown as number].flatMap((port) => [
    { port },
    { containerPort: port },
  ]),
])('%j is refused', (changes) => {
  expect(applicationProblem({ ...good, ...changes })).toEqual(expect.any(String))
})

test('no value is repeated, since it may be a secret', () => {
  const said = applicationProblem({ ...good, secretEnvironment: { KEY: 'planted\n' } })
  expect(said).toContain('KEY')
  expect(said).not.toContain('planted')
})

test('arguments and variables are as long as the kernel and podman take them, in bytes', () => {
  const longest = `${'ü'.repeat((MAX_WORD_BYTES - 1) / 2)}x`
  expect(applicationProblem({ ...good, arguments: [longest] })).toBeNull()
  expect(applicationProblem({ ...good, arguments: [`${longest}x`] })).toContain('bytes')
  expect(applicationProblem({ ...good, secretEnvironment: { K: longest } })).toContain('bytes')
  expect(applicationProblem({ ...good, arguments: Array.from({ length: 20 }, () => longest) })).toContain(
    'together',
  )
})
