import { expect, test } from 'vitest'
import { tenantWords } from './network-review.ts'

test('a tenant reads what of the own guest differed, and of what others share no more than that it did', () => {
  expect(
    tenantWords([
      { of: 'guest', what: 'device g5' },
      { of: 'guest', what: 'rules inet to-10.64.0.5' },
      { of: 'project', what: 'namespace berth-abc123-p1' },
      { of: 'project', what: 'device berth-abc123-p1/br0' },
      { of: 'edge', what: 'route from berth-abc123-edge-router' },
    ]),
  ).toEqual([
    'device g5',
    'rules inet to-10.64.0.5',
    'the project’s network',
    'the way to the public network',
  ])
})

test('a tenant is told nothing where only the host’s own addresses have changed', () => {
  expect(
    tenantWords([{ of: 'host', what: 'rules berth-abc123-edge-router: addresses of the host' }]),
  ).toEqual([])
})
