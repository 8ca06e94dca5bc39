import { expect, test } from 'vitest'
import type { ServiceProfileSpec } from '../profile.ts'
import { checkApplicationProfile } from './check-application-profile.ts'

const members = {
  On: { type: 'string', enum: ['True', 'False'], default: 'True' },
  Image: { type: 'string', default: 'org/image' },
  Port: { type: 'integer', minimum: 1, maximum: 65_535 },
  Secret: { type: 'string', sensitive: true, generate: true },
  Kind: { type: 'string', enum: ['a', 'b'] },
}
const application = {
  image: { member: 'Image' },
  containerPort: 8000,
  health: { path: '/health', statuses: [200], timeoutSeconds: 60 },
}

/** A profile with other members, other parts of the application, or more variables. */
function spec({ properties = {}, more = {}, variables = [] }: Change): ServiceProfileSpec {
  const jsonschema = { type: 'object', properties: { ...members, ...properties } }
  return {
    variables: [
      { name: 'Config', options: { meaning: 'applicationConfig', schema: { jsonschema } } },
      ...variables,
    ],
    application: { ...application, ...more },
  } as ServiceProfileSpec
}
interface Change {
  readonly properties?: object
  readonly more?: object
  readonly variables?: readonly object[]
}

test('a profile without an application, and a whole one, pass', () => {
  expect(() => checkApplicationProfile({})).not.toThrow()
  const more = {
    enabled: { member: 'On' },
    port: { member: 'Port' },
    arguments: [
      '--port={containerPort}',
      {
        flag: '--kind',
        value: { member: 'Kind', values: { a: 'x', b: { word: 'y', when: { On: ['True'] } } } },
      },
    ],
    secretEnvironment: { TOKEN: { member: 'Secret' } },
    files: [{ path: '/etc/token', content: { member: 'Secret' } }],
    outputs: [{ key: 'Token', member: 'Secret' }],
    paths: ['/v1/', '/health'],
  }
  expect(() => checkApplicationProfile(spec({ more }))).not.toThrow()
})

const PROPERTIES = 'Config.options.schema.jsonschema.properties'
const APPLICATION = 'spec.application'
test.each<[string, Change, string]>([
  ['a member that is not there', { more: { image: { member: 'Nope' } } }, `${APPLICATION}.image`],
  [
    'one in an argument',
    { more: { arguments: [{ value: { member: 'Nope' } }] } },
    `${APPLICATION}.arguments[0]`,
  ],
  ['one whose words follow', { more: { arguments: [{ words: 'Nope' }] } }, `${APPLICATION}.arguments[0]`],
  [
    'a placeholder that is not there',
    { more: { arguments: ['ok', '{nope}'] } },
    `${APPLICATION}.arguments[1]`,
  ],
  [
    'one in a file',
    { more: { files: [{ path: '/a', content: '{nope}' }] } },
    `${APPLICATION}.files[0].content`,
  ],
  [
    'a secret in an argument',
    { more: { arguments: [{ value: { member: 'Secret' } }] } },
    `${APPLICATION}.arguments[0]`,
  ],
  [
    'a secret in the environment',
    { more: { environment: { A: { member: 'Secret' } } } },
    `${APPLICATION}.environment.A`,
  ],
  [
    'a table of values that never come',
    { more: { arguments: [{ value: { member: 'Kind', values: { c: 'x' } } }] } },
    `${APPLICATION}.arguments[0].values`,
  ],
  [
    'a table that spells them otherwise',
    { more: { arguments: [{ value: { member: 'Kind', values: { A: 'x' } } }] } },
    `${APPLICATION}.arguments[0].values`,
  ],
  [
    'a condition on a member that is not there',
    {
      more: {
        arguments: [{ value: { member: 'Kind', values: { a: { word: 'x', when: { Nope: ['1'] } } } } }],
      },
    },
    `${APPLICATION}.arguments[0].values.a.when`,
  ],
  [
    'a default that the schema refuses',
    { properties: { Kind: { type: 'string', enum: ['a'], default: 'z' } } },
    `${PROPERTIES}.Kind.default`,
  ],
  [
    'a default for a secret',
    { properties: { Secret: { type: 'string', sensitive: true, default: 'x' } } },
    `${PROPERTIES}.Secret`,
  ],
  [
    'making up what is no secret',
    { properties: { Kind: { type: 'string', generate: true } } },
    `${PROPERTIES}.Kind.generate`,
  ],
  [
    'an unknown keyword',
    { properties: { Kind: { type: 'string', pattern: '(a+)+$' } } },
    `${PROPERTIES}.Kind.pattern`,
  ],
  [
    'a default image that is none',
    { properties: { Image: { type: 'string', default: 'a b' } } },
    'Config.Image',
  ],
  ['a flag that cannot be read', { more: { enabled: { member: 'Kind' } } }, 'Config.Kind'],
  ['a port that is no number', { more: { port: { member: 'Kind' } } }, 'Config.Kind'],
  [
    'a value for a secret',
    { variables: [{ name: 'S', value: 'x', options: { member: 'Secret', sensitive: true } }] },
    'S',
  ],
  [
    'a stand-in that would show a secret',
    { variables: [{ name: 'S', options: { member: 'Secret' } }] },
    'S.options.member',
  ],
  [
    'a secret that stands for what is none',
    { variables: [{ name: 'S', options: { member: 'Kind', sensitive: true } }] },
    'S.options.member',
  ],
  [
    'a choice of secrets',
    { properties: { Secret: { type: 'string', sensitive: true, enum: ['a', 'b'] } } },
    `${PROPERTIES}.Secret.enum`,
  ],
  [
    'a table of secrets',
    { more: { secretEnvironment: { A: { member: 'Secret', values: { a: 'x' } } } } },
    `${APPLICATION}.secretEnvironment.A.values`,
  ],
  [
    'a condition on a secret',
    {
      more: {
        arguments: [{ value: { member: 'Kind', values: { a: { word: 'x', when: { Secret: ['1'] } } } } }],
      },
    },
    `${APPLICATION}.arguments[0].values.a.when`,
  ],
  ['a stand-in for nothing', { variables: [{ name: 'S', options: { member: 'Nope' } }] }, 'S.options.member'],
  [
    'two stand-ins for one',
    {
      variables: [
        { name: 'S', options: { member: 'Kind' } },
        { name: 'T', options: { member: 'Kind' } },
      ],
    },
    'T.options.member',
  ],
  [
    'two configurations',
    { variables: [{ name: 'S', options: { meaning: 'applicationConfig' } }] },
    'spec.variables',
  ],
  [
    'an output that hides the machine’s',
    { more: { outputs: [{ key: 'Password', url: '/' }] } },
    `${APPLICATION}.outputs`,
  ],
  ['a health path that is not shown', { more: { paths: ['/v1/'] } }, `${APPLICATION}.paths`],
  [
    'two volumes in one place',
    {
      more: {
        volumes: [
          { name: 'a', path: '/d' },
          { name: 'b', path: '/d' },
        ],
      },
    },
    `${APPLICATION}.volumes.path`,
  ],
  [
    'a file in the place of a volume',
    { more: { volumes: [{ name: 'a', path: '/d' }], files: [{ path: '/d', content: 'x' }] } },
    `${APPLICATION}.files.path`,
  ],
  [
    'a name in both environments',
    { more: { environment: { A: 'x' }, secretEnvironment: { A: { member: 'Secret' } } } },
    `${APPLICATION}.secretEnvironment`,
  ],
  ['members that differ in case only', { properties: { port: { type: 'integer' } } }, `${PROPERTIES}.port`],
  [
    'a range without a number in it',
    { properties: { Port: { type: 'integer', minimum: 2, maximum: 1 } } },
    `${PROPERTIES}.Port.minimum`,
  ],
  [
    'a length that no text has',
    { properties: { Text: { type: 'string', minLength: 2, maxLength: 1 } } },
    `${PROPERTIES}.Text.minLength`,
  ],
  [
    'a secret too short to be made up',
    { properties: { Secret: { type: 'string', sensitive: true, generate: true, maxLength: 39 } } },
    `${PROPERTIES}.Secret.maxLength`,
  ],
  [
    'one too long to be made up',
    { properties: { Secret: { type: 'string', sensitive: true, generate: true, minLength: 41 } } },
    `${PROPERTIES}.Secret.minLength`,
  ],
])('refuses %s', (_, change, field) => {
  expect(() => checkApplicationProfile(spec(change))).toThrow(
    expect.objectContaining({ reason: 'BadRequest', field }) as Error,
  )
})

test('refuses an application without a configuration', () => {
  const { application: alone } = spec({})
  expect(() => checkApplicationProfile({ application: alone, variables: [] } as ServiceProfileSpec)).toThrow(
    'one variable must have the meaning applicationConfig',
  )
})
