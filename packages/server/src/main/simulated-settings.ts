import Type from 'typebox'
import { FAILURE_POINTS } from '../drivers/simulated/simulated-failure.ts'

/** What a simulated host has and how it behaves; every member has a default. */
export const SimulatedSettings = Type.Object(
  {
    bootMilliseconds: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 200 }),
    shutdownMilliseconds: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 100 }),
    vcpus: Type.Integer({ minimum: 1, default: 512 }),
    memoryMib: Type.Integer({ minimum: 1, default: 4 * 1024 * 1024 }),
    gpus: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), { default: { A40: 8, H100: 8, H200: 8 } }),
    failures: Type.Array(
      Type.Object(
        {
          instance: Type.String({ minLength: 1, description: 'A name; a * at its end stands for any rest' }),
          at: Type.Enum([...FAILURE_POINTS]),
          message: Type.Optional(Type.String()),
        },
        { additionalProperties: false },
      ),
      { default: [] },
    ),
  },
  { additionalProperties: false, description: 'The simulated host: its inventory, its delays, its failures' },
)
export type SimulatedSettings = Type.Static<typeof SimulatedSettings>
