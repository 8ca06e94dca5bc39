import { expect, test } from 'vitest'
import { imageReferenceText, parseImageReference } from './image-reference.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

test.each([
  ['jupyter/minimal-notebook:latest', 'docker.io/jupyter/minimal-notebook:latest'],
  ['jupyter/minimal-notebook', 'docker.io/jupyter/minimal-notebook:latest'],
  ['python', 'docker.io/library/python:latest'],
  ['docker.io/python:3.12-slim', 'docker.io/library/python:3.12-slim'],
  ['index.docker.io/vllm/vllm-openai:v0.7.3', 'docker.io/vllm/vllm-openai:v0.7.3'],
  ['nvcr.io/nim/meta/llama3_8b:1', 'nvcr.io/nim/meta/llama3_8b:1'],
  ['GHCR.io/a/b', 'ghcr.io/a/b:latest'],
  ['localhost/a', 'localhost/a:latest'],
  ['127.0.0.1:5000/a/b:c', '127.0.0.1:5000/a/b:c'],
  [`quay.io/a/b@${digest}`, `quay.io/a/b@${digest}`],
  [`quay.io/a/b:tag@${digest}`, `quay.io/a/b@${digest}`],
])('%s is %s', (text, full) => {
  const parsed = parseImageReference(text)
  if ('problem' in parsed) throw new Error(parsed.problem)
  expect(imageReferenceText(parsed)).toBe(full)
  expect(parseImageReference(full)).toEqual(parsed)
})

test.each([
  ['nothing', '', 'is empty'],
  ['300 characters', 'a'.repeat(300), 'longer than 255'],
  ['a command', 'a/b:$(reboot)', 'a character that no image name has'],
  ['a semicolon', 'a/b;reboot', 'a character that no image name has'],
  ['a newline', 'a/b:latest\n', 'a character that no image name has'],
  ['a space', 'a/b --privileged', 'a character that no image name has'],
  ['a transport', 'docker://a/b', 'a registry'],
  ['a way up', 'a/../b', 'has a name'],
  ['upper-case letters', 'a/Notebook', 'has a name'],
  ['upper-case letters in front', 'A/b', 'has a name'],
  ['an option', '--tls-verify', 'has a name'],
  ['a registry alone', 'ghcr.io/', 'has a name'],
  ['an empty part', 'a//b', 'has a name'],
  ['an empty tag', 'a/b:', 'has a tag'],
  ['a long tag', `a/b:${'t'.repeat(129)}`, 'has a tag'],
  ['a short digest', 'a/b@sha256:abc', 'has a digest'],
  ['another digest', `a/b@md5:${'0'.repeat(32)}`, 'has a digest'],
  ['two digests', `a/b@${digest}@${digest}`, 'has a digest'],
  ['a port that is none', 'example.com:99999/a', 'a registry'],
  ['a host that is none', '-example.com/a', 'a registry'],
])('a reference with %s is refused', (_what, text, problem) => {
  expect(parseImageReference(text)).toEqual({ problem: expect.stringContaining(problem) as string })
})
