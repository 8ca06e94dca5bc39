import Type from 'typebox'
import { ONE_LINE } from '../one-line.ts'
import { recordOf } from '../record-of.ts'
import { CONTAINER_PATH, ENVIRONMENT_NAME, URL_PATH, VOLUME_NAME } from './application-names.ts'

/** The placeholders that constant text may hold, `{containerPort}` for instance. */
export const PLACEHOLDERS = ['containerPort', 'port', 'hostname', 'gpuCount'] as const
export type Placeholder = (typeof PLACEHOLDERS)[number]

const strict = { additionalProperties: false } as const

const MemberName = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$',
  description: "A member of the application's configuration",
})

const Text = Type.String({
  maxLength: 4096,
  pattern: ONE_LINE,
  description: `Constant text; ${PLACEHOLDERS.map((name) => `{${name}}`).join(', ')} are filled in`,
})

const Word = Type.Union([
  Type.String({ maxLength: 1024, pattern: ONE_LINE }),
  Type.Object(
    {
      word: Type.String({ maxLength: 1024, pattern: ONE_LINE }),
      when: recordOf(Type.Array(Type.String(), { minItems: 1 }), {
        description: 'Taken only where each of these members has one of these values',
      }),
    },
    strict,
  ),
])

/** Constant text, or what the configuration's member says, by way of a table of what is accepted. */
const FromMember = Type.Object(
  {
    member: MemberName,
    values: Type.Optional(
      recordOf(Word, {
        description: 'What the application is told for each value that it accepts; any other is refused',
      }),
    ),
  },
  strict,
)
const Template = Type.Union([Text, FromMember], {
  description: 'Text, or a member whose absence leaves the entry out',
})
export type Template = Type.Static<typeof Template>

const Argument = Type.Union([
  Text,
  Type.Object(
    {
      flag: Type.Optional(Type.String({ pattern: '^-[A-Za-z0-9-]+$', maxLength: 128 })),
      value: Template,
      gpus: Type.Optional(
        Type.Boolean({ description: 'true: only on a machine with GPUs; false: only on one without' }),
      ),
    },
    strict,
  ),
  Type.Object(
    {
      words: MemberName,
      refuse: Type.Optional(
        Type.Array(Type.String({ maxLength: 128 }), {
          description:
            'Options that these words may not hold; any other takes the place of the one that the profile sets',
        }),
      ),
    },
    {
      ...strict,
      description: 'The words of a member, as a POSIX shell parts them, which nothing is expanded in',
    },
  ),
])
export type Argument = Type.Static<typeof Argument>

const Content = Type.String({
  maxLength: 65_536,
  description: 'As constant text, but of any number of lines',
})
const OutputKey = Type.String({ minLength: 1, maxLength: 64, pattern: ONE_LINE })
const AbsolutePath = Type.String({ pattern: CONTAINER_PATH, maxLength: 256 })
const UrlPath = Type.String({ pattern: URL_PATH, maxLength: 256 })
const Environment = recordOf(Template, { names: ENVIRONMENT_NAME })

/**
 * What a service profile runs on its machine, as data. The configuration is the variable that means
 * `applicationConfig`; its `options.schema.jsonschema` says which members it has.
 */
export const ApplicationProfile = Type.Object(
  {
    image: Type.Object({ member: MemberName }, { ...strict, description: 'The container image' }),
    enabled: Type.Optional(
      Type.Object({ member: MemberName }, { ...strict, description: '"False" leaves the application out' }),
    ),
    hostname: Type.Optional(Type.Object({ member: MemberName }, strict)),
    port: Type.Optional(
      Type.Object(
        { member: MemberName },
        { ...strict, description: 'Where the machine answers; 443 or 80 when absent' },
      ),
    ),
    containerPort: Type.Integer({
      minimum: 1024,
      maximum: 65_534,
      description: 'Where the application listens on 127.0.0.1; the next one where `port` is the same',
    }),
    paths: Type.Optional(
      Type.Array(UrlPath, {
        minItems: 1,
        maxItems: 32,
        description:
          'What is passed on to the application: these, and what lies below one that ends in a slash',
      }),
    ),
    arguments: Type.Optional(Type.Array(Argument, { maxItems: 128 })),
    environment: Type.Optional(Environment),
    secretEnvironment: Type.Optional(Environment),
    files: Type.Optional(
      Type.Array(Type.Object({ path: AbsolutePath, content: Type.Union([Content, FromMember]) }, strict), {
        maxItems: 16,
      }),
    ),
    volumes: Type.Optional(
      Type.Array(Type.Object({ name: Type.String({ pattern: VOLUME_NAME }), path: AbsolutePath }, strict), {
        maxItems: 8,
      }),
    ),
    keepHome: Type.Optional(
      Type.Boolean({
        description:
          "Whether the home of the image's user outlives the container; true when absent. False where an image has its program there, which a later image is to replace",
      }),
    ),
    health: Type.Object(
      {
        path: UrlPath,
        statuses: Type.Array(Type.Integer({ minimum: 200, maximum: 599 }), { minItems: 1, maxItems: 16 }),
        timeoutSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
      },
      { ...strict, description: 'How to see that it is up: without credentials, through the front' },
    ),
    outputs: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Object(
            {
              key: OutputKey,
              url: UrlPath,
            },
            strict,
          ),
          Type.Object({ key: OutputKey, member: MemberName }, strict),
        ]),
        { maxItems: 16 },
      ),
    ),
  },
  { title: 'ApplicationProfile', ...strict },
)
export type ApplicationProfile = Type.Static<typeof ApplicationProfile>
