import { expect, test } from 'vitest'
import type { ServiceProfileSpec } from '../profile.ts'
import type { Variable } from '../variable.ts'
import { applicationSettings } from './application-settings.ts'

const secret = { type: 'string', sensitive: true }

/** What a profile whose configuration has these members besides the image comes to. */
function settingsOf(properties: object, config: object, application: object = {}) {
  const jsonschema = { type: 'object', properties: { Image: { type: 'string' }, ...properties } }
  const variable = { name: 'Config', options: { meaning: 'applicationConfig', schema: { jsonschema } } }
  const spec = {
    variables: [variable],
    application: {
      image: { member: 'Image' },
      containerPort: 8000,
      health: { path: '/health', statuses: [200], timeoutSeconds: 60 },
      ...application,
    },
  } as unknown as ServiceProfileSpec
  const own: Variable[] = [{ name: 'Config', value: JSON.stringify({ Image: 'org/image', ...config }) }]
  return applicationSettings(spec, own, (member) => `made-${member}`)
}

test('what is refused does not repeat a secret', () => {
  const refusal = (properties: object, application: object = {}) => {
    try {
      settingsOf(properties, { Choice: 's3cret' }, application)
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing is refused'
  }
  const choice = refusal({ Choice: { ...secret, enum: ['a', 'b'] } })
  expect(choice).toContain('must be one of a, b')
  expect(choice).not.toContain('s3cret')
  const table = { environment: { A: { member: 'Choice', values: { a: 'x' } } } }
  const offered = refusal({ Choice: secret }, table)
  expect(offered).toContain('accepted are a')
  expect(offered).not.toContain('s3cret')
})

test('every secret is listed, whatever way it takes to the application', () => {
  const settings = settingsOf(
    { File: secret, None: secret, Made: { ...secret, generate: true }, Open: { type: 'string' } },
    { File: 's3cret', Open: 'shown' },
    { files: [{ path: '/etc/token', content: { member: 'File' } }] },
  )
  expect(settings?.secrets.toSorted()).toEqual(['made-Made', 's3cret'])
})

test('the home is kept where the profile does not say otherwise', () => {
  expect(settingsOf({}, {})).not.toHaveProperty('keepHome')
  expect(settingsOf({}, {}, { keepHome: true })).not.toHaveProperty('keepHome')
  expect(settingsOf({}, {}, { keepHome: false })).toMatchObject({ keepHome: false })
})
