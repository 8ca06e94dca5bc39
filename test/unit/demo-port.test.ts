import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { emulationText } from '../../scripts/demo/demo-emulation.ts'
import { noteAnswering, takeDemoDirectory } from '../../scripts/demo/demo-marker.ts'
import { demoPlace } from '../../scripts/demo/demo-place.ts'
import { settledPlace } from '../../scripts/demo/demo-port.ts'
import { freePort } from '../support/free-port.ts'
import { tempDir } from '../support/temp-dir.ts'

async function hold(port: number): Promise<void> {
  const server = createServer()
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
}

test('the demo takes another port when somebody has its own, says so, and comes back to it', async () => {
  vi.stubEnv('BERTH_DEMO_STATE', join(await tempDir(), 'demo'))
  vi.stubEnv('BERTH_DEMO_LISTEN', '')
  const said = vi.spyOn(console, 'log').mockImplementation(() => {})
  onTestFinished(() => {
    vi.unstubAllEnvs()
    said.mockRestore()
  })
  const usual = `127.0.0.1:${await freePort()}`
  const place = { ...demoPlace(true), listen: usual, url: `http://${usual}` }
  takeDemoDirectory(place)
  noteAnswering(place)
  expect((await settledPlace(place)).listen).toBe(usual)

  await hold(Number(usual.split(':')[1]))
  const moved = await settledPlace(place)
  expect(moved.listen).toMatch(/^127\.0\.0\.1:7[01]\d\d$/)
  expect(moved.url).toBe(`http://${moved.listen}`)
  expect(said.mock.lastCall?.[0]).toMatch(
    new RegExp(`^${usual} is in use by .* \\(pid ${process.pid}\\); the demo takes ${moved.listen}\\.$`),
  )
  takeDemoDirectory(moved)
  // It never answered there.
  expect((await settledPlace(place)).listen).not.toBe(usual)
  expect(said.mock.lastCall?.[0]).toContain(`${usual} is in use`)
  noteAnswering(moved)
  expect((await settledPlace(demoPlace(true))).listen).toBe(moved.listen)
})

test('guests that are emulated are told of in one line, with the cause and what changes it', () => {
  const line = (accelerator: string, reason: string) =>
    `{"msg":"other"}\n${JSON.stringify({ level: 30, accelerator, reason, msg: 'decided how guests run' })}\n`
  expect(emulationText(line('kvm', 'A Linux guest booted under KVM.'))).toBeNull()
  expect(emulationText('')).toBeNull()
  const closed =
    'Guests run in software emulation: /dev/kvm is closed to berth-guest. Run: chmod 0660 /dev/kvm.'
  expect(emulationText(line('tcg', closed))).toBe(
    'Without KVM the guest is emulated, and boots in about a minute instead of seconds: ' +
      '/dev/kvm is closed to berth-guest. To change it: chmod 0660 /dev/kvm',
  )
  expect(emulationText(line('tcg', 'Guests run in software emulation: /dev/kvm does not exist.'))).toMatch(
    /does not exist\. To change it: .*doctor --recheck/,
  )
})

test.each(['nowhere', ':80', '127.0.0.1:', '127.0.0.1:0', '127.0.0.1:70000', '127.0.0.1:8a'])(
  'the demo cannot answer on %j, and begins nothing',
  (listen) => {
    const script = join(import.meta.dirname, '../../scripts/demo.sh')
    const env = { ...process.env, BERTH_DEMO_LISTEN: listen }
    const { status, stdout, stderr } = spawnSync('sh', [script, '--simulated'], { env, encoding: 'utf8' })
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: `demo: BERTH_DEMO_LISTEN must be address:port, such as 127.0.0.1:7080; it is "${listen}".\n`,
    })
  },
)
