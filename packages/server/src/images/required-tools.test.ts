import { expect, test } from 'vitest'
import { runCommand } from './run-command.ts'
import { requireTools } from './required-tools.ts'

test('missing tools are named together with the packages that have them', async () => {
  const tools = { sh: 'dash', 'no-such-a': 'package-a', 'no-such-b': 'package-b', 'no-such-c': 'package-b' }
  await expect(requireTools(tools)).rejects.toMatchObject({
    name: 'HostError',
    retryable: false,
    message: 'Building the image needs no-such-a, no-such-b, no-such-c, which are not installed.',
    remedy: 'apt-get install package-a package-b',
  })
  await expect(requireTools({ sh: 'dash' })).resolves.toBeUndefined()
})

test('a command that fails, hangs or is missing is an error a person can act on', async () => {
  const options = { timeoutMs: 10_000, debianPackage: 'some-package' }
  await expect(runCommand('sh', ['-c', 'echo no room >&2; exit 3'], options)).rejects.toThrow(
    'sh failed with exit status 3. Its last words: no room',
  )
  await expect(runCommand('sleep', ['60'], { ...options, timeoutMs: 50 })).rejects.toThrow('did not finish')
  await expect(runCommand('no-such-a', [], options)).rejects.toMatchObject({
    remedy: 'apt-get install some-package',
  })
})

test('output comes back whole and line by line', async () => {
  const lines: string[] = []
  const options = { timeoutMs: 10_000, debianPackage: 'dash', onLine: (line: string) => lines.push(line) }
  expect(await runCommand('printf', ['a\\nb\\n'], options)).toBe('a\nb\n')
  expect(lines).toEqual(['a', 'b'])
})
