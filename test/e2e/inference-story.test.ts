import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placesOf } from '../support/planted-secret.ts'
import { serviceBody } from '../support/api-client.ts'
import { ServiceStory } from '../support/service-story.ts'
import { tempDir } from '../support/temp-dir.ts'

// One Debian guest carries the whole story, so each test goes on where the one before it ended. What answers is a
// stand-in for vLLM, made of llama.cpp and a tiny model of random weights: what it says means nothing.

const KEY = 'planted-secret-api-key'
const MODEL = 'acme/tiny-chat'

let story: ServiceStory
let client: OpenAI

beforeAll(async () => {
  story = await ServiceStory.begin(await tempDir())
})
afterAll(() => story.end())

function chat(stream: boolean) {
  return { model: MODEL, max_tokens: 8, messages: [{ role: 'user' as const, content: 'Hello' }], stream }
}

test('applied and published, it answers with the configured model', async () => {
  const config = {
    Inference_enabled: 'True',
    Inference_image: 'vllm/vllm-openai:v0.7.3',
    Inference_model: MODEL,
    Inference_api_key: KEY,
    Hugging_Face_Token: 'planted-secret-hf-token',
    Inference_max_model_len: 512,
    Inference_dtype: 'float32',
  }
  await story.apply(
    serviceBody(
      'inference',
      [{ name: 'Inference Config', value: JSON.stringify(config) }],
      'vmaas-inference-cpu',
    ),
  )
  const service = await story.publish('inference')
  const output = story.output(service)
  const url = Object.entries(output).find(([key]) => /url|endpoint|host/i.test(key))?.[1].value ?? ''
  const key = Object.entries(output).find(([name]) => /token|key/i.test(name))?.[1].value ?? ''
  expect(key).toBe(KEY)
  expect(url).toMatch(/^https:\/\/127\.64\./)
  client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 })
  const models = await client.models.list()
  expect(models.data.map(({ id }) => id)).toEqual([MODEL])
})

test('it completes a chat, in one piece and streamed', async () => {
  const whole = await client.chat.completions.create({ ...chat(false), stream: false })
  expect(whole.choices[0]?.message.role).toBe('assistant')
  expect(whole.usage?.completion_tokens).toBeGreaterThan(0)
  let pieces = 0
  for await (const chunk of await client.chat.completions.create({ ...chat(true), stream: true })) {
    expect(chunk.object).toBe('chat.completion.chunk')
    pieces++
  }
  expect(pieces).toBeGreaterThan(1)
})

test('without the key it answers 401', async () => {
  const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'wrong', maxRetries: 0 })
  await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 })
  await expect(stranger.chat.completions.create(chat(false))).rejects.toMatchObject({ status: 401 })
})

test('its secrets lie open nowhere on the host', async () => {
  expect(await placesOf('planted-secret', story.server.state)).toEqual([])
})

test('deleted, nothing of it stays', async () => {
  await story.delete('inference')
  expect(await story.server.census()).toEqual([])
})
