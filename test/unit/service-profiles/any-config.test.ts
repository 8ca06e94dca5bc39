import { ApiError } from '@berth/contract/api-error'
import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import { configVariable } from '@berth/contract/application/config-schema'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settingsOf, shippedSpec } from './shipped.ts'

const PROFILES = ['vmaas-notebook', 'vmaas-inference', 'inference-vllm-v1', 'code-server']

/** Every text of the settings that reaches the guest. */
function textsOf(settings: ApplicationSettings): string[] {
  const { image, hostname, environment, secretEnvironment, files, outputs } = settings
  return [
    image,
    hostname,
    ...settings.arguments,
    ...Object.entries({ ...environment, ...secretEnvironment }).flat(),
    ...files.flatMap(({ path, content }) => [path, content]),
    ...outputs.flatMap(({ key, value = '' }) => [key, value]),
  ]
}

function check(profile: string, config: string): 'accepted' | 'refused' {
  const { name } = configVariable(shippedSpec(profile).variables ?? [])
  let settings: ApplicationSettings
  try {
    settings = settingsOf(profile, [{ name, value: config }])
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ reason: 'BadRequest', field: expect.stringMatching(`^${name}`) as string })
    return 'refused'
  }
  for (const text of textsOf(settings)) {
    expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
    expect(text.isWellFormed()).toBe(true)
  }
  expect(settings.port).toBeGreaterThan(0)
  expect(settings.port).toBeLessThan(65_536)
  expect(settings.containerPort).not.toBe(settings.port)
  return 'accepted'
}

/** Text that is worse than what people write. */
const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', '-', '"', "'", '\n', '\u0000', '\\', '$', '{', '}', ' ', '\ud800'),
  }),
  fc.constantFrom('True', '443', 'float16', 'host.example', '{port}', '{gpuCount}', '--x', '__proto__'),
)

test('any text at all is settings or a 400', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PROFILES), fc.oneof(nasty, fc.json()), (profile, text) => {
      check(profile, text)
    }),
    { numRuns: 1000 },
  )
})

test('any members with any values are settings or a 400', () => {
  const seen = new Set<string>()
  const value = fc.oneof(nasty, fc.jsonValue(), fc.integer(), fc.boolean())
  fc.assert(
    fc.property(fc.constantFrom(...PROFILES), fc.infiniteStream(fc.option(value)), (profile, values) => {
      const { schema } = configVariable(shippedSpec(profile).variables ?? [])
      const members = Object.keys(schema.properties).flatMap((member) => {
        const { value: next } = values.next() as { value: unknown }
        return next === null ? [] : [[member, next] as const]
      })
      seen.add(check(profile, JSON.stringify(Object.fromEntries(members))))
    }),
    { numRuns: 1000 },
  )
  expect(seen).toContain('refused')
})

test('any value of a single member is settings or a 400, and both happen', () => {
  const seen = new Map<string, number>()
  const { schema } = configVariable(shippedSpec('vmaas-inference').variables ?? [])
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(schema.properties)), nasty, (member, value) => {
      const verdict = check('vmaas-inference', JSON.stringify({ Inference_model: 'm', [member]: value }))
      seen.set(verdict, (seen.get(verdict) ?? 0) + 1)
    }),
    { numRuns: 2000 },
  )
  expect(seen.get('accepted')).toBeGreaterThan(100)
  expect(seen.get('refused')).toBeGreaterThan(100)
})
