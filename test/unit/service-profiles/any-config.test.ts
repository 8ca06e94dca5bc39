import { ApiError } from '@berth/contract/api-error'
import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import { configVariable } from '@berth/contract/application/config-schema'
import * as fc from 'fast-check'
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

/** What becomes of a configuration: `accepted`, `refused`, or what is wrong with how it was taken or refused. */
function verdict(profile: string, config: string): string {
  const { name } = configVariable(shippedSpec(profile).variables ?? [])
  let settings: ApplicationSettings
  try {
    settings = settingsOf(profile, [{ name, value: config }])
  } catch (error) {
    const isRefusal = error instanceof ApiError && error.reason === 'BadRequest'
    return isRefusal && error.field?.startsWith(name) ? 'refused' : `not a 400: ${String(error)}`
  }
  const broken = textsOf(settings).find((text) => /[\p{Cc}\u2028\u2029]/u.test(text) || !text.isWellFormed())
  if (broken !== undefined) return `${JSON.stringify(broken)} reached the guest`
  const { port, containerPort } = settings
  return port >= 1 && port <= 65_535 && port !== containerPort ? 'accepted' : `port ${port}, ${containerPort}`
}

const VERDICTS = ['accepted', 'refused']

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
      expect(VERDICTS).toContain(verdict(profile, text))
    }),
    { numRuns: 1000 },
  )
})

test('any members with any values are settings or a 400', () => {
  const value = fc.oneof(nasty, fc.jsonValue(), fc.integer(), fc.boolean())
  fc.assert(
    fc.property(fc.constantFrom(...PROFILES), fc.infiniteStream(fc.option(value)), (profile, values) => {
      const { schema } = configVariable(shippedSpec(profile).variables ?? [])
      const members = Object.keys(schema.properties).flatMap((member) => {
        const { value: next } = values.next() as { value: unknown }
        return next === null ? [] : [[member, next] as const]
      })
      expect(VERDICTS).toContain(verdict(profile, JSON.stringify(Object.fromEntries(members))))
    }),
    { numRuns: 1000 },
  )
})

test('any value of a single member is settings or a 400, and both happen', () => {
  const { schema } = configVariable(shippedSpec('vmaas-inference').variables ?? [])
  const seen: string[] = []
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(schema.properties)), nasty, (member, value) => {
      seen.push(verdict('vmaas-inference', JSON.stringify({ Inference_model: 'm', [member]: value })))
    }),
    { numRuns: 2000 },
  )
  expect([...new Set(seen)].toSorted()).toEqual(VERDICTS)
  expect(seen.filter((it) => it === 'accepted').length).toBeGreaterThan(100)
  expect(seen.filter((it) => it === 'refused').length).toBeGreaterThan(100)
})
