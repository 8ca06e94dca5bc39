import { expect, test } from 'vitest'
import { portForwardsText, type PortForwardPlace } from './vm-output.ts'

const web: PortForwardPlace = {
  application: 'web',
  protocol: 'tcp',
  address: '127.0.0.1',
  port: 30_001,
  internalPort: 8080,
  source: 'any',
}

test('each forward is a line, whatever its user called it', () => {
  expect(portForwardsText([])).toBe('No Port forward configured')
  const odd = { ...web, application: 'my\nodd\u0000 one ', source: '10.0.0.1,\n10.0.0.2' }
  expect(portForwardsText([web, { ...web, application: '', protocol: 'udp' }, odd]).split('\n')).toEqual([
    'web tcp 127.0.0.1:30001 -> 8080 from any',
    'udp 127.0.0.1:30001 -> 8080 from any',
    'my odd one tcp 127.0.0.1:30001 -> 8080 from 10.0.0.1, 10.0.0.2',
  ])
})
