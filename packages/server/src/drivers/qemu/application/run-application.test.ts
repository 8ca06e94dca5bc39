import {
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ownUser, pretendedGuest } from '../../../../../../test/support/application-guest.ts'
import { readObservation } from './observe-application.ts'

const isRoot = ownUser === '0'

/** What the API tells of a guest whose application's main command ended like that. */
function observed({ status, stderr }: { status: number | null; stderr: string }) {
  const unit = {
    ActiveState: 'failed',
    Result: 'exit-code',
    ExecMainCode: '1',
    ExecMainStatus: String(status),
  }
  const properties = Object.entries(unit).map(([name, value]) => `${name}=${value}\n`)
  const lines = stderr.split('\n').filter(Boolean)
  const journal = lines.map((MESSAGE) => JSON.stringify({ MESSAGE, PRIORITY: '6', _TRANSPORT: 'stdout' }))
  return readObservation(`${properties.join('')}\n502 \n${journal.join('\n')}\n`, [200])
}

test('a volume begins with what the image has in its place, before the container starts', () => {
  const guest = pretendedGuest()
  guest.write('image/data/settings', 'from the image')
  const { words } = guest.start()
  expect(words.slice(1)).toEqual(['--env=A=b', '--volume=berth-data:/data', 'one', 'serve'])
  expect(readFileSync(guest.data('settings'), 'utf8')).toBe('from the image')
  guest.write('image/data/later', 'of a later image')
  rmSync(guest.data('settings'))
  guest.start()
  expect(existsSync(guest.data('later')) || existsSync(guest.data('settings'))).toBe(false)
  expect(guest.log.match(/^create/gm)).toHaveLength(1)
})

test('a first copy that was interrupted is made again, until it was whole', () => {
  const guest = pretendedGuest('app')
  for (const name of ['data', 'home/app']) {
    guest.write(`image/${name}/settings`, 'whole')
    guest.write(`image/${name}/more`, '')
  }
  guest.write('power-cut', '')
  expect(guest.start()).toMatchObject({ signal: 'SIGKILL', words: [] })
  expect(guest.start()).toMatchObject({ signal: 'SIGKILL', words: [] })
  expect(readFileSync(guest.data('settings'), 'utf8')).toBe('half\n')
  guest.remove('power-cut')
  expect(guest.start().words).toContain('--volume=berth.home:/home/app')
  for (const volume of ['berth-data', 'berth.home']) {
    expect(readFileSync(guest.data('settings', volume), 'utf8')).toBe('whole')
    expect(existsSync(guest.data('more', volume))).toBe(true)
  }
})

test('what earlier containers wrote outlives a kill while it is brought into a new volume', () => {
  const guest = pretendedGuest()
  guest.write('image/data/settings', 'from the image')
  guest.write('var/lib/containers/storage/overlay/berth-kept/0000-a/data/settings', 'mine')
  guest.write('var/lib/containers/storage/overlay/berth-kept/0000-a/data/made', '')
  guest.write('bin/umount', '#!/bin/sh\nkill -9 $PPID\n', 0o755)
  expect(guest.start().signal).toBe('SIGKILL')
  guest.write('bin/umount', '#!/bin/sh\n', 0o755)
  expect(guest.start().status).toBe(0)
  expect(readFileSync(guest.data('settings'), 'utf8')).toBe('mine')
  expect(existsSync(guest.data('made'))).toBe(true)
})

test('a volume of an earlier version stays as it is', () => {
  const guest = pretendedGuest()
  guest.write('image/data/settings', 'from the image')
  mkdirSync(guest.data(), { recursive: true })
  writeFileSync(guest.data('mine'), '')
  expect(guest.start().status).toBe(0)
  expect(existsSync(guest.data('mine'))).toBe(true)
  expect(existsSync(guest.data('settings'))).toBe(false)
  expect(guest.log).not.toContain('volume')
})

test.each(['', '7:', 'x'])('a note that holds %j keeps no application from its start', (note) => {
  const guest = pretendedGuest()
  mkdirSync(guest.data(), { recursive: true })
  guest.write('var/lib/containers/storage/berth-owners/berth-data', note)
  expect(guest.start().words).not.toEqual([])
})

test('why what is kept could not be made ready is told, in podman’s words where it was podman', () => {
  const guest = pretendedGuest()
  guest.write('fails', 'create')
  const refused = guest.start()
  expect(refused.words).toEqual([])
  expect(observed(refused)).toMatchObject({
    state: 'failed',
    engineError: 'write /var/tmp/3601860986: no space left on device',
  })
  guest.remove('fails')
  guest.remove('var/lib/berth/images/overlay-layers')
  expect(observed(guest.start()).engineError).toBe(
    'what the application keeps could not be made ready: No such file or directory',
  )
  guest.write('command.json', '{}')
  expect(observed(guest.start()).engineError).toMatch(
    /^what the application keeps could not be made ready: ./,
  )
})

test.each([
  ['app', '/usr/lib/users', '/srv/homes/app'],
  ['app', '../usr/lib/users', '/srv/homes/app'],
  ['app', '../../../../usr/lib/users', '/srv/homes/app'],
  ['app', 'users', null],
  ['app', 'passwd', null],
])('the user %s is found by links inside the image: /etc/passwd -> %s', (user, target, home) => {
  const guest = pretendedGuest(user)
  guest.write('image/usr/lib/users', `app:x:${ownUser}:${ownUser}::/home/app:/bin/sh\n`)
  guest.write('image/srv/homes/app/.profile', '')
  guest.remove('image/etc/passwd')
  symlinkSync(target, join(guest.root, 'image/etc/passwd'))
  symlinkSync('/srv/homes', join(guest.root, 'image/home'))
  const volumes = guest.start().words.filter((word) => word.startsWith('--volume=berth.home'))
  expect(volumes).toEqual(home === null ? [] : [`--volume=berth.home:${home}`])
})

test('a home that its volume might hide things in, by another name, is left to the image', () => {
  const guest = pretendedGuest('app')
  guest.write('image/srv/homes/app/.profile', '')
  symlinkSync('/srv/homes', join(guest.root, 'image/home'))
  for (const place of ['/home/app', '/home/app/data', '/srv/homes']) {
    guest.command([`--volume=berth-data:${place}`, 'one'])
    expect(guest.start().words.filter((word) => word.startsWith('--volume'))).toEqual([
      `--volume=berth-data:${place}`,
    ])
  }
})

test('no link leads out of the image', () => {
  const guest = pretendedGuest('app')
  guest.write('outside/passwd', `app:x:${ownUser}:${ownUser}::/home/app:/bin/sh\n`)
  guest.write('image/home/app/.profile', '')
  guest.remove('image/etc/passwd')
  symlinkSync(join(guest.root, 'outside/passwd'), join(guest.root, 'image/etc/passwd'))
  expect(guest.start().words).not.toContain('--volume=berth.home:/home/app')
})

test.runIf(isRoot)('a new volume is the image’s user’s, with what was root’s in it, and only once', () => {
  const guest = pretendedGuest('1000:1000')
  guest.write('image/data/of-root/file', '')
  guest.write('image/data/of-another', '')
  chownSync(join(guest.root, 'image/data/of-another'), 999, 999)
  guest.start()
  expect(['', 'of-root', 'of-root/file', 'of-another'].map((path) => guest.owner(path))).toEqual([
    1000, 1000, 1000, 999,
  ])
  chownSync(guest.data(), 0, 0)
  guest.start()
  expect(guest.owner()).toBe(0)
})

test.runIf(isRoot)('what root’s entry point gives away stays given away, of an earlier version too', () => {
  for (const note of [null, '0:0', '']) {
    const guest = pretendedGuest('0')
    if (note !== null) guest.write('var/lib/containers/storage/berth-owners/berth-data', note)
    mkdirSync(guest.data(), { recursive: true })
    chownSync(guest.data(), 999, 999)
    guest.start()
    expect(guest.owner()).toBe(999)
  }
})

test.runIf(isRoot).each([0, 1, 2, 3])(
  'given to another user, and killed after %i files, it is all his',
  (gives) => {
    const guest = pretendedGuest('1000:1000')
    mkdirSync(guest.data('a/b'), { recursive: true })
    symlinkSync('/etc/shadow', guest.data('a/link'))
    const paths = ['', 'a', 'a/b', 'a/link']
    for (const path of paths) lchownSync(guest.data(path), 2000, 2000)
    guest.write('gives', String(gives))
    expect(guest.start().signal).toBe('SIGKILL')
    guest.remove('gives')
    expect(guest.start().status).toBe(0)
    expect(paths.map((path) => guest.owner(path))).toEqual([1000, 1000, 1000, 1000])
  },
)

test.each([
  // podman took a minute to start it, and half of one to remove it.
  { main: 60e6, active: 60.1e6, exit: 60.2e6, isOrderly: false },
  { main: 60e6, active: 60.1e6, exit: 65.2e6, isOrderly: true },
  // It ended before podman told of it: podman itself is the main process. It was active before, too.
  { main: 1e6, active: 60e6, exit: 60.1e6, isOrderly: false },
  { main: 60e6, active: 9e6, exit: 60.1e6, isOrderly: false },
  { main: 60e6, active: 60.1e6, exit: 0, isOrderly: false },
])('an end is orderly by how long the application itself was up: %j', ({ main, active, exit, isOrderly }) => {
  const guest = pretendedGuest()
  const times = [
    `ExecMainStartTimestampMonotonic=${main}`,
    `ExecMainExitTimestampMonotonic=${exit}`,
    `ActiveEnterTimestampMonotonic=${active}`,
  ]
  const script = `echo "$1 $2" >>${guest.root}/log\n[ "$1" = show ] && printf '%s\\n' ${times.join(' ')}\nexit 0\n`
  guest.write('bin/systemctl', `#!/bin/sh\n${script}`, 0o755)
  expect(guest.program('ended', 'berth-application.service').status).toBe(0)
  expect(guest.log.includes('reset-failed berth-application.service')).toBe(isOrderly)
})
