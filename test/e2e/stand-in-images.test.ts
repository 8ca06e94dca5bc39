import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseImageReference } from '@berth/contract/application/image-reference'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CommandResult, runCommand, tryCommand } from '../../packages/server/src/host/run-command.ts'
import { fetchContainer } from '../../packages/server/src/images/container/fetch-container.ts'
import type { TestRegistry } from '../support/container-registry.ts'
import { startStandInRegistry } from '../support/stand-in-registry.ts'
import { tempDir } from '../support/temp-dir.ts'

const CATALOGUE = join(import.meta.dirname, '../../packages/server/catalogue')

let registry: TestRegistry

beforeAll(async () => {
  registry = await startStandInRegistry()
}, 30 * 60_000)
afterAll(() => registry?.stop())

/** Runs a program of an image, as the cache's disk holds it, with these variables. */
type Run = (program: readonly string[], ...variables: string[]) => Promise<CommandResult>

/** Takes an image's files out of the disk that the cache makes of it. */
async function unpacked(name: string): Promise<Run> {
  const reference = parseImageReference(name)
  if ('problem' in reference) throw new Error(reference.problem)
  const access = { mirror: `http://${registry.address}`, authFile: '' }
  const cacheDir = await tempDir()
  const { disk } = await fetchContainer(reference, { cacheDir, access, onProgress: () => {} })
  const debugfs = async (command: string) =>
    runCommand('debugfs', ['-R', command, disk], { timeoutMs: 120_000 })
  const [layer] = JSON.parse(await debugfs('cat /overlay-layers/layers.json')) as { id: string }[]
  const root = await tempDir()
  await debugfs(`rdump /overlay/${layer?.id}/diff ${root}`)
  return (program, ...variables) =>
    tryCommand('env', [...variables, 'chroot', join(root, 'diff'), ...program])
}

test('every image that a profile of the catalogue names is at the registry', async () => {
  const texts = await Promise.all(
    readdirSync(CATALOGUE).map((name) => readFile(join(CATALOGUE, name), 'utf8')),
  )
  const named = new Set(
    texts.flatMap((text) => [...text.matchAll(/"default": "([^"/]+\/[^":]+):([^"]+)"/g)].map(String)),
  )
  expect(named.size).toBeGreaterThanOrEqual(3)
  for (const entry of named) {
    const [, name, tag] = entry.split(',')
    const answer = await fetch(`http://${registry.address}/v2/${name}/manifests/${tag}`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    })
    expect([name, tag, answer.status]).toEqual([name, tag, 200])
    // The story of code-server is also that of an image with as many layers as Docker allows.
    const { layers } = (await answer.json()) as { layers: unknown[] }
    expect([name, layers.length]).toEqual([name, name === 'codercom/code-server' ? 127 : 2])
  }
})

test('the stand-in for vLLM refuses what vLLM refuses, and a model that does not exist', async () => {
  const start = await unpacked('vllm/vllm-openai:v0.7.3')
  const run = async (...words: string[]) => {
    const { code, stderr } = await start(['/opt/stand-in/vllm-stand-in', ...words])
    return { code, stderr }
  }
  for (const [words, complaint] of [
    [['--dtype', 'int8'], "argument --dtype: invalid choice: 'int8'"],
    [['--kv-cache-dtype', 'fp16'], "argument --kv-cache-dtype: invalid choice: 'fp16'"],
    [['--max-model-len', 'long'], 'argument --max-model-len: invalid int value'],
    [['--no-such-option', '1'], 'unrecognized arguments: --no-such-option 1'],
  ] as const) {
    expect(await run('--model', 'a/b', ...words)).toEqual({
      code: 2,
      stderr: expect.stringContaining(complaint) as string,
    })
  }
  expect(await run('--model', 'missing/model', '--dtype', 'float16')).toEqual({
    code: 1,
    stderr: expect.stringContaining('missing/model is not a local folder') as string,
  })
})

test('the stand-in for code-server takes its options, and fails to order', async () => {
  const start = await unpacked('codercom/code-server:crashes')
  const program = ['/usr/bin/python3.11', '/usr/bin/code-server', '--auth=password']
  const run = async (...variables: string[]) => start(program, ...variables)
  expect(await run('STAND_IN_FAILURE=crash', 'PASSWORD=word')).toMatchObject({
    code: 1,
    stderr: 'error: the workspace index is corrupt\n',
  })
  expect(await run()).toMatchObject({ code: 1, stderr: 'error: PASSWORD is not set\n' })
})
