import { HostError } from '@berth/contract/host/host-error'
import { expect, test } from 'vitest'
import { examine } from './doctor-command.ts'
import { missing, ok, warning } from './finding.ts'
import { rootFinding } from './host-checks.ts'
import { judgeImages } from './images.ts'
import { tryNetwork } from './network.ts'
import { judgePrograms } from './programs.ts'
import { exitCodeOf, reportText } from './report.ts'
import { judgeDisk, judgeFileLimit, judgeMemory, judgeTime } from './resources.ts'
import { judgeState } from './state.ts'

const fine = ok('Root', 'yes')
const slow = warning('Accelerator', 'tcg: no /dev/kvm', 'modprobe kvm_intel')
const gap = missing('Guest images', 'none in /var/cache/berth', 'berth image build debian-12')

test('the table says what is there, what is missing and how to get it', () => {
  expect(reportText([fine, slow, gap])).toBe(
    [
      'ok       Root          yes',
      'warning  Accelerator   tcg: no /dev/kvm',
      '                       -> modprobe kvm_intel',
      'MISSING  Guest images  none in /var/cache/berth',
      '                       -> berth image build debian-12',
      '',
      'This host cannot run guests yet: 1 thing missing.',
      '',
    ].join('\n'),
  )
  expect(reportText([fine, slow])).toContain('This host can run guests; 1 warning.')
  expect(reportText([fine])).toContain('This host can run guests.\n')
})

test('only what guests need makes the exit code 1', () => {
  expect(exitCodeOf([fine, slow])).toBe(0)
  expect(exitCodeOf([fine, slow, gap])).toBe(1)
})

test('a check that fails becomes a finding, its command the remedy, and the others go on', async () => {
  const findings = await examine([
    {
      what: 'Guest user',
      look: () => Promise.reject(new HostError('It does not exist.', { remedy: 'useradd berth-guest' })),
    },
    { what: 'Two', look: async () => [fine, slow] },
  ])
  expect(findings).toEqual([missing('Guest user', 'It does not exist.', 'useradd berth-guest'), fine, slow])
})

test('missing programs are named with one command that installs them', async () => {
  const absent = new Set(['ip', 'bridge', 'qemu-img', 'mmdebstrap', 'skopeo'])
  const [guests, images, containers] = await judgePrograms(async (program) => !absent.has(program))
  expect(guests).toEqual(
    missing('Programs', 'not installed: qemu-img, ip, bridge', 'apt-get install qemu-utils iproute2'),
  )
  expect(images).toEqual(warning('Image tools', 'not installed: mmdebstrap', 'apt-get install mmdebstrap'))
  expect(containers).toEqual(
    warning('Container tools', 'not installed: skopeo, which services need', 'apt-get install skopeo'),
  )
  const all = await judgePrograms(async () => true)
  expect(all.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok'])
})

test.each([
  ['MemTotal:  4194304 kB\nMemAvailable: 3145728 kB\n', 'ok', '3072 of 4096 MiB are free'],
  ['MemTotal:  4194304 kB\nMemAvailable: 1048576 kB\n', 'warning', '1024 of 4096'],
  ['MemTotal:  4194304 kB\nMemAvailable:  102400 kB\n', 'missing', '100 of 4096'],
])('memory: %j is %s', (text, state, detail) => {
  expect(judgeMemory(text)).toMatchObject({ state, detail: expect.stringContaining(detail) })
})

test('disk, files, clock and root are judged by their figures', () => {
  expect(judgeDisk('Disk', '/srv', 50 * 2 ** 30).state).toBe('ok')
  expect(judgeDisk('Disk', '/srv', 2 ** 30)).toMatchObject({
    state: 'warning',
    detail: '1.0 GiB are free for /srv',
  })
  expect(judgeDisk('Disk', '/srv', 1000).state).toBe('missing')
  expect(judgeFileLimit('Max open files            1024   524288   files \n').state).toBe('warning')
  expect(judgeFileLimit('Max open files            524288 524288   files \n').state).toBe('ok')
  expect(judgeTime(true, []).state).toBe('ok')
  expect(judgeTime(false, ['init\n', 'chronyd\n']).state).toBe('ok')
  expect(judgeTime(false, ['init\n']).state).toBe('warning')
  expect([rootFinding(0).state, rootFinding(1000).state]).toEqual(['ok', 'missing'])
})

test('an image to boot is needed, and those that the catalogue boots are missed', () => {
  const wanted = ['debian-12', 'debian-12-services']
  expect(judgeImages(['debian-12', 'debian-12-services', 'tiny'], wanted, '/c').state).toBe('ok')
  expect(judgeImages(['debian-12', 'tiny'], wanted, '/c')).toMatchObject({
    state: 'warning',
    remedy: 'berth image build debian-12-services',
  })
  expect(judgeImages(['noble', 'tiny'], wanted, '/c')).toMatchObject({
    state: 'warning',
    remedy: 'berth image build debian-12 && berth image build debian-12-services',
  })
  expect(judgeImages(['tiny'], wanted, '/c')).toMatchObject({
    state: 'missing',
    remedy: 'berth image build debian-12',
  })
})

test('STATE may be passed through, but its secrets not be read', () => {
  const files = { 'secret.key': { mode: 0o100600, uid: 0 }, 'admin.key': null }
  const facts = {
    path: '/s',
    directory: { mode: 0o40711, uid: 0 },
    files,
    refusal: null,
    closedAbove: [],
    uid: 0,
  }
  expect(judgeState(facts).state).toBe('ok')
  expect(judgeState({ ...facts, directory: null }).state).toBe('ok')
  expect(judgeState({ ...facts, directory: { mode: 0o40777, uid: 0 } })).toMatchObject({
    remedy: 'chmod 711 /s',
  })
  const open = { ...files, 'admin.key': { mode: 0o100644, uid: 0 } }
  expect(judgeState({ ...facts, files: open })).toMatchObject({
    state: 'warning',
    remedy: 'chmod 600 /s/admin.key',
  })
  expect(judgeState({ ...facts, uid: 1000 }).state).toBe('missing')
  expect(judgeState({ ...facts, refusal: { why: '/s holds photos', remedy: 'Give another.' } })).toEqual(
    missing('State', 'berth serve refuses it: /s holds photos', 'Give another.'),
  )
  expect(judgeState({ ...facts, closedAbove: ['/root'] })).toMatchObject({
    state: 'missing',
    remedy: 'chmod o+x /root, or choose another --state',
  })
})

test('the trial namespace is removed, whatever failed in it', async () => {
  const ran: string[] = []
  const findings = await tryNetwork(async (file, args) => {
    ran.push([file, ...args].join(' '))
    if (args.includes('nft')) throw new Error('nft failed: Operation not supported')
  })
  expect(findings.map(({ what, state }) => `${what} ${state}`)).toEqual([
    'Namespaces ok',
    'Bridges ok',
    'Firewall missing',
  ])
  expect(ran.at(-1)).toMatch(/^ip netns delete berth-doctor-[0-9a-f]{6}$/)

  const refused = await tryNetwork(async () =>
    Promise.reject(new Error('ip failed: Operation not permitted')),
  )
  expect(refused).toMatchObject([{ what: 'Namespaces', state: 'missing' }])
})
