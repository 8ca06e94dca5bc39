import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { berth } from '../support/berth-command.ts'
import { freePort } from '../support/free-port.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const SCRIPT = join(import.meta.dirname, '../../scripts/demo.ts')
/** Each starts servers, which take a second or two, or more where the machine is busy. */
const SLOW = { timeout: 120_000 }
const UP = 'The VM is up.'

interface Place {
  readonly state: string
  readonly listen: string
}

async function newPlace(): Promise<Place> {
  return { state: join(await tempDir(), 'demo'), listen: `127.0.0.1:${await freePort()}` }
}

function demo({ state, listen }: Place, ...options: string[]) {
  const child = spawn(process.execPath, [SCRIPT, '--simulated', ...options], {
    env: { ...process.env, BERTH_DEMO_STATE: state, BERTH_DEMO_LISTEN: listen, BERTH_STATE: '/nowhere' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (data: Buffer) => (said += data.toString()))
  child.stderr.on('data', (data: Buffer) => (said += data.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const hears = (what: string) => waitFor(() => said.includes(what), { deadlineSeconds: 60, what })
  return { child, ended, said: () => said, hears }
}

/** Sends a request to the demo's VM with the demo's own key. */
async function vm({ state, listen }: Place, method: string, path = '') {
  const url = `http://${listen}/apis/paas.envmgmt.io/v1/projects/defaultproject/workspaces/default/computeinstances/demo${path}`
  const key = readFileSync(join(state, 'admin.key'), 'utf8').trim()
  const response = await fetch(url, { method, headers: { 'x-api-key': key } })
  return (await response.json()) as { status: { status: string; powerState: string } }
}

test('a stopped VM is started again, and clean in another terminal removes all', SLOW, async () => {
  const place = await newPlace()
  const first = demo(place)
  await first.hears(UP)
  expect(existsSync(join(place.state, 'demo-key'))).toBe(false)
  await vm(place, 'POST', '/action/stop')
  await waitFor(async () => (await vm(place, 'GET')).status.powerState === 'stopped', {
    deadlineSeconds: 30,
    what: 'the VM to stop',
  })
  const pid = Number(readFileSync(join(place.state, 'serve.pid'), 'utf8'))
  first.child.kill('SIGINT')
  expect(await first.ended).toBe(0)
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  expect(first.said()).toContain(`BERTH_DEMO_STATE=${place.state} BERTH_DEMO_LISTEN=${place.listen} npm run`)

  const second = demo(place)
  await second.hears(UP)
  expect(second.said()).toContain('is stopped. Starting it')
  expect((await vm(place, 'GET')).status.powerState).toBe('running')

  const clean = demo(place, '--clean')
  expect(await clean.ended).toBe(0)
  expect(clean.said()).toMatch(/^Removed: the simulated machines and/)
  expect(existsSync(place.state)).toBe(false)
  await second.ended
  expect(second.said()).toContain('--clean removes the demo')
  expect(second.said()).not.toContain('remembered')
})

test('an installation that the demo did not make is neither used nor removed', SLOW, async () => {
  const place = { state: await tempDir(), listen: `127.0.0.1:${await freePort()}` }
  writeFileSync(join(place.state, 'admin.key'), 'somebody’s')
  for (const options of [[], ['--clean']]) {
    const run = demo(place, ...options)
    expect(await run.ended).toBe(1)
    expect(run.said()).toContain('holds an installation that the demo did not make')
  }
  expect(readFileSync(join(place.state, 'admin.key'), 'utf8')).toBe('somebody’s')
})

test('a port that another Berth holds is named with its owner', SLOW, async () => {
  const owner = await newPlace()
  const first = demo(owner)
  await first.hears(UP)
  const pid = readFileSync(join(owner.state, 'serve.pid'), 'utf8').trim()
  const second = demo({ ...(await newPlace()), listen: owner.listen })
  expect(await second.ended).toBe(1)
  expect(second.said()).toContain(`${owner.listen} is in use by the demo of Berth`)
  expect(second.said()).toContain(`(pid ${pid})`)
  const doctor = ['doctor', '--driver', 'simulated', '--state', await tempDir(), '--listen', owner.listen]
  const { code, said } = await berth(...doctor, '--json')
  expect(code).toBe(0)
  expect(JSON.parse(said)).toContainEqual({
    what: 'API port',
    state: 'warning',
    detail: expect.stringContaining(`in use by the demo of Berth (pid ${pid})`),
    remedy: expect.stringContaining('--clean removes the demo'),
  })
})

test('a demo that runs already is told of with its way in, and runs on', SLOW, async () => {
  const place = await newPlace()
  const first = demo(place)
  await first.hears(UP)
  const pid = readFileSync(join(place.state, 'serve.pid'), 'utf8').trim()
  const second = demo({ ...place, listen: `127.0.0.1:${await freePort()}` })
  expect(await second.ended).toBe(0)
  expect(second.said()).toContain(`The demo is running already on http://${place.listen} (pid ${pid}`)
  expect(second.said()).toContain(UP)
  expect(second.said()).toContain(`The server runs in another terminal (pid ${pid}`)
  expect((await vm(place, 'GET')).status.powerState).toBe('running')
})

test('every line that is there to be pasted is one of the shell, comments included', SLOW, async () => {
  const run = demo(await newPlace())
  await run.hears('Ctrl-C ends it')
  const lines = run.said().slice(run.said().indexOf(UP)).split('\n')
  const pasted = lines.filter((line) => line.startsWith('  ')).join('\n')
  expect(pasted.match(/computeinstances\/demo .*# the VM$/gm)).toHaveLength(1)
  execFileSync('bash', ['-n'], { input: pasted })
  const answer = execFileSync('bash', ['-ec', pasted.replaceAll(' -X DELETE ', ' ')]).toString()
  expect(answer).toContain('ComputeProfileList')
  expect(run.said()).toMatch(
    /^What reaches what: Guests reach nothing beyond their project,[^]{1,200}from\s+nowhere else\.$/m,
  )
})

test('an interruption before the VM is up ends the server and says what comes next', SLOW, async () => {
  const place = await newPlace()
  const run = demo(place)
  const pid = await waitFor(() => Number(readFileSync(join(place.state, 'serve.pid'), 'utf8')), {
    deadlineSeconds: 30,
    what: 'the server',
    intervalMs: 5,
  })
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(130)
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  expect(run.said()).not.toContain('fetch failed')
  expect(run.said()).toContain('-- --simulated --clean')
})
