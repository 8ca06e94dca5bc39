import { expect, test } from 'vitest'
import { differencesText } from './network-differences.ts'

test('what guests share is printed once, under a heading of its own', () => {
  const guest = (project: string, name: string) => [
    { of: 'edge' as const, what: 'route from berth-abc123-edge-router', project, guest: name },
    { of: 'host' as const, what: 'closed addresses', project, guest: name },
    { of: 'project' as const, what: `namespace berth-abc123-${project}`, project, guest: name },
    { of: 'guest' as const, what: 'device g5', project, guest: name },
  ]
  expect(differencesText([...guest('p1', 'one'), ...guest('p1', 'two'), ...guest('p2', 'one')])).toBe(
    [
      'EDGE ROUTER',
      'route from berth-abc123-edge-router',
      'closed addresses',
      '',
      'PROJECT  DIFFERENCE',
      'p1       namespace berth-abc123-p1',
      'p2       namespace berth-abc123-p2',
      '',
      'PROJECT  GUEST  DIFFERENCE',
      'p1       one    device g5',
      'p1       two    device g5',
      'p2       one    device g5',
      '',
    ].join('\n'),
  )
})

test('of a single kind there is a single table', () => {
  const found = { of: 'guest' as const, what: 'device g5', project: 'p1', guest: 'one' }
  expect(differencesText([found])).toBe('PROJECT  GUEST  DIFFERENCE\np1       one    device g5\n')
})
