import Type from 'typebox'

/** Who made or changed an object (wire contract 2.2): an object, never a string. */
export const Principal = Type.Object(
  {
    id: Type.String({ description: 'Seven lower-case base-36 characters', examples: ['lk5xnd2'] }),
    username: Type.String({ examples: ['operator@berth.local'] }),
    isSSOUser: Type.Optional(Type.Boolean()),
  },
  { title: 'Principal' },
)
export type Principal = Type.Static<typeof Principal>
