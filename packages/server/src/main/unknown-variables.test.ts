import { expect, test } from 'vitest'
import { unknownVariables } from './unknown-variables.ts'

test('a variable that was misspelt is named with the one that was meant', () => {
  expect(unknownVariables({ BERTH_LISTNE: '', BERTH_GUEST_NETWROK: '10.0.0.0/8', BERTH_FOO: '1' })).toEqual([
    'The variable BERTH_LISTNE means nothing to Berth; BERTH_LISTEN does.',
    'The variable BERTH_GUEST_NETWROK means nothing to Berth; BERTH_GUEST_NETWORK does.',
    'The variable BERTH_FOO means nothing to Berth.',
  ])
})

test('every variable that Berth, its demo or its tests read is known', () => {
  const known = ['BERTH_STATE', 'BERTH_CONFIG', 'BERTH_SIMULATED', 'BERTH_DEMO_STATE', 'BERTH_TEST_CRASH_AT']
  expect(unknownVariables(Object.fromEntries(known.map((name) => [name, 'x'])))).toEqual([])
  expect(unknownVariables({ PATH: '/bin', MY_BERTH_THING: '1' })).toEqual([])
})
