import { parseImageReference } from '@berth/contract/application/image-reference'
import { expect, test } from 'vitest'
import { dockerTransport, sourceOf } from './registry-access.ts'

const digest = `sha256:${'a'.repeat(64)}`

test.each([
  ['python', '', 'docker://docker.io/library/python:latest', true],
  ['python', 'https://mirror.example', 'docker://mirror.example/library/python:latest', true],
  ['a/b:c', 'https://mirror.example/hub/', 'docker://mirror.example/hub/a/b:c', true],
  [`a/b@${digest}`, 'http://127.0.0.1:5000', `docker://127.0.0.1:5000/a/b@${digest}`, false],
  ['ghcr.io/a/b:c', 'http://127.0.0.1:5000', 'docker://ghcr.io/a/b:c', true],
])('%s with the mirror %j is fetched as %s', (text, mirror, transport, verifyTls) => {
  const reference = parseImageReference(text)
  if ('problem' in reference) throw new Error(reference.problem)
  const source = sourceOf(reference, { mirror, authFile: '' })
  expect(dockerTransport(source, reference)).toBe(transport)
  expect(source.verifyTls).toBe(verifyTls)
})
