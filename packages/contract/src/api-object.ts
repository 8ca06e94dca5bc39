import Type, { type TSchema } from 'typebox'
import { API_VERSION } from './api-version.ts'

/** The envelope that every request body shares; `kind` says what it is. */
export function requestEnvelope<Kind extends string>(kind: Kind) {
  return {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal(kind),
  }
}

const ListMetadata = Type.Object(
  {
    count: Type.Integer({ description: 'How many there are in all' }),
    limit: Type.Integer({ description: 'The page size that was applied' }),
    offset: Type.Optional(Type.Integer({ description: 'Left out when 0' })),
    continue: Type.Optional(
      Type.String({ description: 'Sent as continue, it asks for the next page; left out on the last' }),
    ),
  },
  { title: 'ListMetadata' },
)

/** A list's envelope (guide, example responses). `count` is the total, `limit` the one really applied. */
export function listOf<Item extends TSchema>(kind: string, item: Item) {
  return Type.Object(
    {
      apiVersion: Type.Literal(API_VERSION),
      kind: Type.Literal(`${kind}List`),
      metadata: ListMetadata,
      items: Type.Array(item),
    },
    { title: `${kind}List` },
  )
}
