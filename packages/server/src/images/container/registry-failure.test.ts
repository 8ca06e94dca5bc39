import { expect, test } from 'vitest'
import { registryFailure } from './registry-failure.ts'

const REFERENCE = 'docker.io/a/b:c'
const line = (message: string) => `time="2026-01-01T00:00:00Z" level=fatal msg=${JSON.stringify(message)}\n`
const failure = (message: string) => registryFailure(REFERENCE, 'mirror.example', line(message))

// What skopeo 1.9 says, with Debian's registry, Docker's and others.
test.each([
  [
    'Error parsing image name "docker://mirror.example/a/b:c": reading manifest c in mirror.example/a/b: manifest unknown: manifest unknown',
    'The image "docker.io/a/b:c" is not in the registry mirror.example: check its name.',
  ],
  [
    'reading manifest c in quay.io/a/b: name unknown: repository not found',
    'is not in the registry mirror.example: check its name.',
  ],
  [
    'reading manifest c in docker.io/a/b: errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n',
    'refuses the image "docker.io/a/b:c": it does not exist, or it takes credentials.',
  ],
  [
    'unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password',
    'the operator gives credentials with registryAuthFile',
  ],
  [
    'reading manifest c in ghcr.io/a/b: Requesting bear token: invalid status code from registry 403 (Forbidden)',
    'refuses',
  ],
  ['Source image rejected: A signature was required, but no signature exists', 'containers-policy.json(5)'],
])('trying again cannot help when skopeo says %j', (said, message) => {
  const error = failure(said)
  expect(error.message).toContain(message)
  expect(error.retryable).toBe(false)
})

test.each([
  [
    'Error parsing image name "docker://mirror.example/a/b:c": pinging container registry mirror.example: Get "https://mirror.example/v2/": dial tcp 192.0.2.1:443: connect: connection refused',
    'did not give the image "docker.io/a/b:c": pinging container registry mirror.example: Get',
  ],
  ['dial tcp: lookup mirror.example: no such host', 'no such host'],
  [
    'reading manifest c in docker.io/a/b: toomanyrequests: You have reached your pull rate limit.',
    'no more images for now',
  ],
  [
    'writing blob: storing blob to file "/x": write /x: no space left on device',
    'disk of the image cache is full',
  ],
  ['mkdir /x: permission denied', 'permission denied'],
])('trying again can help when skopeo says %j', (said, message) => {
  const error = failure(said)
  expect(error.message).toContain(message)
  expect(error.retryable).toBe(true)
})

test('what the image is called is no reason', () => {
  const said =
    'reading manifest unauthorized in quay.io/forbidden/denied: Get "https://quay.io/v2/forbidden/denied": EOF'
  const { message, retryable } = registryFailure(
    'quay.io/forbidden/denied:unauthorized',
    'quay.io',
    line(said),
  )
  expect(message).toContain('did not give the image')
  expect(retryable).toBe(true)
})

test('what is not written as a log is passed on, and silence has words', () => {
  expect(registryFailure(REFERENCE, 'x', 'one\nruntime: out of memory\n').message).toContain(
    ': runtime: out of memory',
  )
  expect(registryFailure(REFERENCE, 'x', '').message).toContain('skopeo said nothing')
})
