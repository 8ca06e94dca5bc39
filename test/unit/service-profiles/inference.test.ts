import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { ApiError } from '@berth/contract/api-error'
import { describe, expect, test } from 'vitest'
import { settingsOf } from './shipped.ts'

interface Option {
  readonly type?: 'integer' | 'number'
  readonly choices?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
}

const { options } = JSON.parse(readFileSync(join(import.meta.dirname, 'vllm-options.json'), 'utf8')) as {
  readonly options: Readonly<Record<string, Option>>
}

const inference = (config: object, profile = 'vmaas-inference') =>
  settingsOf(profile, [{ name: 'Inference Config', value: JSON.stringify(config) }])

/** The command line as option and value. */
function pairs(words: readonly string[]): [option: string, value: string][] {
  return Array.from({ length: words.length / 2 }, (_, index) => [
    words[2 * index] ?? '',
    words[2 * index + 1] ?? '',
  ])
}

test('every field of the guide’s schema', () => {
  const settings = inference({
    Inference_enabled: 'True',
    Inference_image: 'vllm/vllm-openai:v0.7.3',
    Inference_model: 'meta-llama/Llama-2-7b-chat-hf',
    Hugging_Face_Token: 'hf_planted',
    Inference_api_key: 'sk-planted',
    Inference_hostname: 'LLM.example.org',
    Inference_nginx_port: 8443,
    Inference_kv_cache_dtype: 'fp8',
    Inference_gpu_memory_util: 0.85,
    Inference_max_model_len: 2048,
    Inference_dtype: 'bfloat16',
  })
  expect(settings).toMatchInlineSnapshot(`
    {
      "arguments": [
        "--host",
        "127.0.0.1",
        "--port",
        "8000",
        "--model",
        "meta-llama/Llama-2-7b-chat-hf",
        "--served-model-name",
        "meta-llama/Llama-2-7b-chat-hf",
        "--dtype",
        "bfloat16",
        "--kv-cache-dtype",
        "fp8",
        "--gpu-memory-utilization",
        "0.85",
        "--max-model-len",
        "2048",
        "--tensor-parallel-size",
        "1",
      ],
      "containerPort": 8000,
      "enabled": true,
      "environment": {
        "VLLM_NO_USAGE_STATS": "1",
      },
      "files": [],
      "generated": {},
      "gpus": true,
      "health": {
        "path": "/health",
        "statuses": [
          200,
        ],
        "timeoutSeconds": 3600,
      },
      "hostname": "llm.example.org",
      "image": "docker.io/vllm/vllm-openai:v0.7.3",
      "outputs": [
        {
          "key": "Endpoint URL",
          "kind": "url",
          "path": "/v1",
          "secret": false,
        },
        {
          "key": "API Key",
          "kind": "text",
          "secret": true,
          "value": "sk-planted",
        },
        {
          "key": "Model",
          "kind": "text",
          "secret": false,
          "value": "meta-llama/Llama-2-7b-chat-hf",
        },
      ],
      "paths": [
        "/v1/",
        "/health",
      ],
      "port": 8443,
      "secretEnvironment": {
        "HF_TOKEN": "hf_planted",
        "VLLM_API_KEY": "sk-planted",
      },
      "secrets": [
        "hf_planted",
        "sk-planted",
      ],
      "tls": true,
      "volumes": [
        {
          "name": "models",
          "path": "/root/.cache/huggingface",
        },
      ],
    }
  `)
})

test('the guide’s defaults, and a key that is made up', () => {
  const settings = inference({ Inference_model: 'org/model' })
  expect(Object.fromEntries(pairs(settings.arguments))).toMatchObject({
    '--dtype': 'float16',
    '--kv-cache-dtype': 'auto',
    '--gpu-memory-utilization': '0.9',
    '--max-model-len': '1024',
    '--tensor-parallel-size': '1',
  })
  expect(settings).toMatchObject({
    enabled: true,
    image: 'docker.io/vllm/vllm-openai:v0.7.3',
    port: 443,
    secretEnvironment: { VLLM_API_KEY: 'made-Inference_api_key' },
  })
  expect(settings.secretEnvironment).not.toHaveProperty('HF_TOKEN')
})

/** Why vLLM would not take a word of the command line; undefined when it takes them all. */
function objection(words: readonly string[]): string | undefined {
  for (const [option, value] of pairs(words)) {
    const known = options[option]
    if (!known) return `${option} is unknown`
    const { type, choices, minimum = -Infinity, maximum = Infinity } = known
    const isWrong =
      (choices && !choices.includes(value)) ||
      (type === 'integer' && !/^\d+$/.test(value)) ||
      (type === 'number' && !(Number(value) >= minimum && Number(value) <= maximum))
    if (isWrong) return `${option} does not take ${value}`
  }
  return undefined
}

test('whatever the configuration, vLLM knows every option and value of the command line', () => {
  const config = fc.record(
    {
      Inference_kv_cache_dtype: fc.constantFrom('auto', 'fp8', 'fp16', 'fp32', 'int8'),
      Inference_dtype: fc.constantFrom('float16', 'float32', 'bfloat16', 'int8', 'int4'),
      Inference_gpu_memory_util: fc.double({ min: 0.05, max: 1.05, noNaN: true }),
      Inference_max_model_len: fc.integer({ min: 0, max: 100_000 }),
      Inference_nginx_port: fc.integer({ min: 1, max: 65_535 }),
    },
    { requiredKeys: [] },
  )
  const objections: (string | undefined)[] = []
  fc.assert(
    fc.property(config, fc.constantFrom('vmaas-inference', 'vmaas-inference-cpu'), (members, profile) => {
      try {
        const whole = { Inference_model: 'org/model', Inference_image: 'vllm/vllm-openai', ...members }
        objections.push(objection(inference(whole, profile).arguments))
      } catch (error) {
        // What is refused is told in the tests below.
        if (!(error instanceof ApiError)) throw error
      }
    }),
    { numRuns: 500 },
  )
  expect(objections.filter((it) => it !== undefined)).toEqual([])
  expect(objections.length).toBeGreaterThan(25)
})

test('the check of command lines objects', () => {
  expect(objection(['--nope', '1'])).toBe('--nope is unknown')
  expect(objection(['--dtype', 'int8'])).toBe('--dtype does not take int8')
  expect(objection(['--max-model-len', '1.5'])).toBe('--max-model-len does not take 1.5')
  expect(objection(['--gpu-memory-utilization', '1.5'])).toBe('--gpu-memory-utilization does not take 1.5')
})

test.each([
  ['fp16', 'float16'],
  ['fp32', 'float32'],
])('a cache of %s is auto for the model data type %s', (cache, dtype) => {
  const settings = inference({
    Inference_model: 'm',
    Inference_kv_cache_dtype: cache,
    Inference_dtype: dtype,
  })
  expect(Object.fromEntries(pairs(settings.arguments))).toMatchObject({
    '--dtype': dtype,
    '--kv-cache-dtype': 'auto',
  })
})

test('disabled, it needs no model', () => {
  expect(inference({ Inference_enabled: 'False' })).toMatchObject({ enabled: false, generated: {} })
})

test('without GPUs nothing is said of them', () => {
  const settings = inference({ Inference_model: 'm', Inference_image: 'org/cpu' }, 'vmaas-inference-cpu')
  expect(settings.gpus).toBe(false)
  expect(settings.arguments).not.toContain('--tensor-parallel-size')
})

test.each(['--tensor-parallel-size=8', '--tensor_parallel_size 8', '--max-model-len 8192'])(
  'what a user tunes by %s takes the place of what the service would say',
  (extra) => {
    const words = inference({ Inference_model: 'm', Inference_extra_args: extra }).arguments
    const flag = extra.includes('model') ? '--max-model-len' : '--tensor-parallel-size'
    expect(words.join(' ').endsWith(extra)).toBe(true)
    expect(words.slice(0, -extra.split(' ').length)).not.toContain(flag)
  },
)

test('more options follow as words', () => {
  const extra = `--max-num-seqs 4 --rope-scaling '{"rope_type": "dynamic"}' --served "a b"`
  expect(inference({ Inference_model: 'm', Inference_extra_args: '--enforce-eager' }).arguments.at(-1)).toBe(
    '--enforce-eager',
  )
  expect(() => inference({ Inference_model: 'm', Inference_extra_args: extra })).toThrow(
    'must not hold --served-model-name: give it as Inference Config.Inference_model instead',
  )
  expect(
    inference({ Inference_model: 'm', Inference_extra_args: extra.replace(' --served "a b"', '') }).arguments,
  ).toEqual(expect.arrayContaining(['--max-num-seqs', '4', '--rope-scaling', '{"rope_type": "dynamic"}']))
})

describe('refused, naming variable and member', () => {
  test.each([
    [{}, 'Inference_model', 'is required'],
    [{ Inference_dtype: 'float8' }, 'Inference_dtype', 'one of float16, float32, bfloat16'],
    [{ Inference_dtype: 'int8' }, 'Inference_dtype', 'accepted are float16, float32, bfloat16'],
    [{ Inference_dtype: 'int4' }, 'Inference_dtype', 'accepted are float16, float32, bfloat16'],
    [
      { Inference_kv_cache_dtype: 'int8' },
      'Inference_kv_cache_dtype',
      'accepted are auto, fp8, fp16 (with Inference_dtype float16), fp32 (with Inference_dtype float32)',
    ],
    [{ Inference_kv_cache_dtype: 'fp32' }, 'Inference_kv_cache_dtype', 'accepted are auto, fp8'],
    [
      { Inference_kv_cache_dtype: 'fp16', Inference_dtype: 'bfloat16' },
      'Inference_kv_cache_dtype',
      'accepted are auto, fp8',
    ],
    [{ Inference_gpu_memory_util: 1.5 }, 'Inference_gpu_memory_util', 'a number from 0.1 to 1; got "1.5"'],
    [{ Inference_gpu_memory_util: '0.05' }, 'Inference_gpu_memory_util', 'a number from 0.1 to 1'],
    [{ Inference_max_model_len: 0 }, 'Inference_max_model_len', 'a whole number from 1'],
    [{ Inference_max_model_len: 'long' }, 'Inference_max_model_len', 'a whole number from 1'],
    [{ Inference_model: '--trust-remote-code' }, 'Inference_model', 'must not begin with a dash'],
    [{ Inference_model: 'a\u0000b' }, 'Inference_model', 'without control characters'],
    [{ Inference_api_key: 'k\r\nX: y' }, 'Inference_api_key', 'without control characters'],
    [{ Inference_image: 'vllm/$(reboot)' }, 'Inference_image', 'the image holds a character'],
    [{ Inference_hostname: 'x\ny' }, 'Inference_hostname', 'without control characters'],
    [{ Inference_nginx_port: 70_000 }, 'Inference_nginx_port', 'from 1 to 65535'],
    [
      { Inference_extra_args: '--api_key=x' },
      'Inference_extra_args',
      'must not hold --api-key: the service itself takes care of it',
    ],
    [
      { Inference_extra_args: '--API-key x' },
      'Inference_extra_args',
      'must not hold --api-key: the service itself takes care of it',
    ],
    [
      { Inference_extra_args: '--hos 0.0.0.0' },
      'Inference_extra_args',
      'must not hold --host: the service itself takes care of it',
    ],
    [{ Inference_extra_args: '--seed "1' }, 'Inference_extra_args', 'a quotation mark without its pair'],
  ])('%j', (members, member, problem) => {
    const config = Object.keys(members).length === 0 ? {} : { Inference_model: 'org/model', ...members }
    expect(() => inference(config)).toThrow(
      expect.objectContaining({
        reason: 'BadRequest',
        field: `Inference Config.${member}`,
        message: expect.stringContaining(problem) as string,
      }) as Error,
    )
  })
})
