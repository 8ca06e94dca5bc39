import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { INSTANCES, instanceBody } from '../support/api-client.ts'
import { berth, berthBy, berthWith } from '../support/berth-command.ts'
import { freePort } from '../support/free-port.ts'
import { rememberDriver } from '../../packages/server/src/main/served-driver.ts'
import { startSimulated } from '../support/simulated-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const BERTH = join(import.meta.dirname, '../../bin/berth')
/** Debian's `nobody`, who owns nothing. */
const NOBODY = 65_534
/** Each runs commands, which take a second each, or more where the machine is busy. */
const SLOW = { timeout: 120_000 }

test('a wrong call is one line that says what to look at, with the exit code 2', SLOW, async () => {
  for (const [words, said] of [
    [
      ['serve', '--lisen', 'x'],
      'berth: --lisen is no flag of berth serve (did you mean --listen?); see berth serve --help\n',
    ],
    [['image', 'bild'], "berth: unknown command 'bild' (Did you mean build?); see berth image --help\n"],
    [['help', 'serv'], "berth: unknown command 'serv' (Did you mean serve?); see berth --help\n"],
    [['image', 'help', 'x'], "berth: unknown command 'x'; see berth image --help\n"],
    [
      ['image', 'build', 'nope'],
      "berth: There is no guest image named 'nope'. There are: tiny, debian-12, debian-12-services.\n",
    ],
    [
      ['image', 'import', 'noble', '/x', '--sha256', 'zz'],
      'berth: --sha256 must be 64 hexadecimal digits, as sha256sum prints them.\n',
    ],
    [['network', 'show'], "berth: missing required argument 'project'; see berth network show --help\n"],
  ] as const) {
    expect(await berth(...words)).toEqual({ code: 2, said })
  }
  expect(await berth()).toMatchObject({ code: 2, said: expect.stringMatching(/^Usage: berth/) })
  expect(await berth('help', 'image', 'rm')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^Usage: berth image rm/),
  })
  expect(await berth('--version')).toMatchObject({ code: 0 })
})

test('what is not there ends with the exit code 1, whatever it is', SLOW, async () => {
  const cache = await tempDir()
  for (const command of ['rm', 'rm-container']) {
    const { code, said } = await berth('image', command, 'nope', '--cache', cache)
    expect({ code, said }).toEqual({
      code: 1,
      said: expect.stringMatching(/^berth: There is no .*image nope/),
    })
  }
})

test('a reader that goes away ends a command quietly', SLOW, async () => {
  const child = spawn(BERTH, ['image', 'list', '--cache', await tempDir()], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (data: Buffer) => (complaint += data.toString()))
  child.stdout.destroy()
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  // As a shell tells of a program that SIGPIPE ended.
  expect({ code, complaint }).toEqual({ code: 141, complaint: '' })
})

test.skipIf(process.getuid?.() !== 0)(
  'on the state of root, every command says whose it is and what to type',
  SLOW,
  async () => {
    const state = await tempDir()
    const server = await startSimulated(state)
    rememberDriver(state, 'simulated')
    await server.stop()
    const shared = [
      ['instance', 'list'],
      ['instance', 'retry', 'x'],
      ['instance', 'abandon', 'x'],
      ['census'],
      ['network', 'show', 'p'],
      ['network', 'verify'],
      ['backup', '/tmp/never.backup'],
    ]
    for (const words of shared) {
      const { code, said } = await berthBy(NOBODY, ...words, '--state', state)
      expect({ code, said }).toEqual({
        code: 2,
        said: `berth: ${state} belongs to root. Type: sudo berth ${words.join(' ')} --state ${state}\n`,
      })
    }
    // The cache is root's as well.
    expect(await berthBy(NOBODY, 'image', 'build', 'tiny', '--cache', state)).toEqual({
      code: 2,
      said: `berth: This user may not use ${state}/images. Type: sudo berth image build tiny --cache ${state}\n`,
    })
  },
)

test('help shows what is the command’s own before what all share', SLOW, async () => {
  const { code, said } = await berth('instance', 'list', '--help')
  expect(code).toBe(0)
  const at = ['--stuck', '--json', '--project', 'Settings', '--config'].map((word) => said.indexOf(word))
  expect(at).not.toContain(-1)
  expect(Math.max(...at.slice(0, 3))).toBeLessThan(Math.min(...at.slice(3)))
})

test('lists are JSON for programs, and a healthy simulated host has no differences', SLOW, async () => {
  const state = await tempDir()
  const server = await startSimulated(state)
  onTestFinished(() => server.stop())
  const rule = { source: 'any', application: 'web', internal_port: 80, protocol: 'tcp' }
  const variables = [{ name: 'Port Forwards', value: JSON.stringify([rule]) }]
  await server.api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('vm-1', variables))
  const { metadata } = await server.api.waitForStatus('vm-1', 'success')
  const cache = await tempDir()
  const json = async (...words: string[]) => {
    const { code, said } = await berth(...words, '--json', '--state', state, '--cache', cache)
    expect(code, said).toBe(0)
    return JSON.parse(said) as unknown
  }
  expect(await json('instance', 'list')).toMatchObject([
    { id: metadata.id, name: 'vm-1', project: 'defaultproject', status: 'success', late: false },
  ])
  expect(await json('image', 'list')).toEqual({ guestImages: [], containerImages: [] })
  expect(await json('network', 'show', 'defaultproject')).toMatchObject({
    project: 'defaultproject',
    guests: [{ guest: 'vm-1', powerState: 'running', publicAddress: null }],
  })
  expect(await json('census')).toContainEqual({
    kind: 'disk',
    name: expect.stringContaining(metadata.id),
    owner: metadata.id,
    ownerName: 'defaultproject/default/vm-1',
  })
  expect(await berth('network', 'verify', '--state', state)).toEqual({
    code: 0,
    said: 'The simulated host has no network: there is nothing to compare.\n',
  })
})

test('a variable that means nothing is told of, and stops nothing', SLOW, async () => {
  const { code, said } = await berthWith({ BERTH_CAHCE: '/x' }, 'image', 'list', '--cache', await tempDir())
  expect(code).toBe(0)
  expect(said).toContain(
    'berth: warning: The variable BERTH_CAHCE means nothing to Berth; BERTH_CACHE does.\n',
  )
})

test(
  'at a terminal the server says where it is, whose key opens it and what to type next',
  SLOW,
  async () => {
    const state = await tempDir()
    const listen = `127.0.0.1:${await freePort()}`
    const command = `exec ${BERTH} serve --driver simulated --state ${state} --listen ${listen}`
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGTERM'))
    let said = ''
    child.stdout.on('data', (data: Buffer) => (said += data.toString()))
    await waitFor(() => said.includes('Ctrl-C ends the server'), { deadlineSeconds: 60, what: 'the server' })
    expect(said).toContain(`Berth serves http://${listen} (state: ${state}`)
    expect(said).toContain(`curl -s -H "x-api-key: $(cat '${state}/admin.key')" http://${listen}/apis/`)
    expect(said).toMatch(/^\d\d:\d\d:\d\d serving url=/m)
    expect(said).not.toContain('{"level"')
  },
)
