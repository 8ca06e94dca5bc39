import { expect, test } from 'vitest'
import { ApiError } from '../api-error.ts'
import type { ApplicationConfig } from './application-config.ts'
import type { Argument } from './application-profile.ts'
import { fillArguments } from './application-template.ts'

const profile: readonly Argument[] = [
  { flag: '--port', value: '{containerPort}' },
  { flag: '--model', value: { member: 'Model' } },
  { flag: '--max-model-len', value: { member: 'Length' } },
  { flag: '--tensor-parallel-size', value: '{gpuCount}' },
  'run',
  { words: 'More', refuse: ['--port', '--model', '--api-key'] },
]

/** What an application is told whose user gives these words of their own. */
function told(more: string, values: Readonly<Record<string, string>> = {}): string[] {
  const config: ApplicationConfig = {
    schema: { properties: {} } as unknown as ApplicationConfig['schema'],
    fieldOf: (member) => `Config.${member}`,
    values: new Map(Object.entries({ Model: 'org/model', Length: '1024', More: more, ...values })),
  }
  const placeholders = { containerPort: '8000', port: '443', hostname: 'h', gpuCount: '2' }
  return fillArguments({ config, placeholders }, profile, true)
}

const MODEL = ['--port', '8000', '--model', 'org/model']

test.each([
  ['--max-model-len 8192', ['--max-model-len', '8192']],
  ['--max-model-len=8192', ['--max-model-len=8192']],
  ['--max_model_len 8192', ['--max_model_len', '8192']],
  ['--max-model-len 1 --max-model-len 2', ['--max-model-len', '1', '--max-model-len', '2']],
])('the user’s own %s takes the place of the profile’s', (more, words) => {
  expect(told(more)).toEqual([...MODEL, '--tensor-parallel-size', '2', 'run', ...words])
  // Clients send members that their users never touched.
  expect(told(more, { Length: '2048' })).toEqual(told(more))
})

test('what is filled in gives way as well, and what is not named stays', () => {
  const words = '--max-model-len 1024 run --tensor-parallel-size 1 --enforce-eager'.split(' ')
  expect(told('--tensor-parallel-size 1 --enforce-eager')).toEqual([...MODEL, ...words])
  // Not the option's whole name: the application takes the later one, or says that it knows none.
  expect(told('--max-model 5')).toContain('--max-model-len')
})

test.each([
  ['--port 1', '--port: the service itself takes care of it; leave it out'],
  ['--PORT=1', '--port: the service itself takes care of it; leave it out'],
  ['--enforce-eager --api_key=s3cret', '--api-key: the service itself takes care of it; leave it out'],
  ['--api x', '--api-key: the service itself takes care of it; leave it out'],
  ['--model other/model', '--model: give it as Config.Model instead'],
  ['-- x', '-- alone: what follows it would not be read as options'],
  ['--=x', '-- alone: what follows it would not be read as options'],
])('%s is refused', (more, why) => {
  expect(() => told(more)).toThrow(ApiError)
  expect(() => told(more)).toThrow(`Config.More: must not hold ${why}`)
  expect(() => told(more)).not.toThrow('s3cret')
})

test('a dash alone is a word as any other', () => {
  expect(told('--input -')).toContain('-')
})

test('words that a shell would not read are refused', () => {
  expect(() => told('--x "a')).toThrow('Config.More: has a quotation mark without its pair')
  expect(() => told('--x \\')).toThrow('or a backslash at its end')
})
