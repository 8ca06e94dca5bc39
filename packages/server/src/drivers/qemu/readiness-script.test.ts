import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parseGuestReport } from './readiness-port.ts'
import { readinessScript } from './readiness-script.ts'

/** What the script reads of a guest, by path; a `null` takes a file away. */
const BOOTED: Readonly<Record<string, string | null>> = {
  'dev/virtio-ports/io.berth.ready': '',
  'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  'run/cloud-init/result.json': '{}',
  'run/cloud-init/status.json': '{"v1":{"init":{"errors":[]}}}',
  'run/systemd/system/x': '',
  'var/lib/cloud/instance/boot-finished': 'yes',
}

const errors = (...texts: string[]) => JSON.stringify({ v1: { init: { errors: texts } } })
const NO_SPACE = "[Errno 28] No space left on device: '/var/lib/cloud/x'"

/** Runs the script's loop in a guest of files until it reports. */
async function reportOf(
  files: Readonly<Record<string, string | null>>,
  cloudFinal = 'Job=\nActiveState=active',
  timeout = 10_000,
) {
  const root = mkdtempSync(join(tmpdir(), 'ready-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))
  for (const [path, text] of Object.entries({
    ...BOOTED,
    ...files,
    'bin/sleep': '#!/bin/sh\nexec /bin/sleep 0.05\n',
    'bin/systemctl': `#!/bin/sh\nprintf '%s\\n' '${cloudFinal}'\n`,
  })) {
    if (text === null) continue
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text, { mode: 0o755 })
  }
  const script = readinessScript.replaceAll(/(?<=[ "(=])\/(?:run|var|dev|etc)\//g, (path) => `${root}${path}`)
  const child = spawn('sh', ['-c', script.replaceAll(`${root}/dev/null`, '/dev/null'), 'ready', 'loop'], {
    env: { PATH: `${root}/bin:${process.env['PATH']}` },
    stdio: 'ignore',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const port = join(root, 'dev/virtio-ports/io.berth.ready')
  return vi.waitFor(
    () => {
      const report = parseGuestReport(readFileSync(port))
      if (report === undefined) throw new Error('no report yet')
      return report
    },
    { timeout },
  )
}

test('a boot without errors is reported with the name of the system, and the stamp of a change that was made', async () => {
  expect(await reportOf({ 'run/berth-access': '7-9\n' })).toEqual({
    bootId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    state: 'ok',
    osName: 'Debian GNU/Linux 12 (bookworm)',
    access: '7-9',
  })
})

test('what cloud-init reports is passed on', async () => {
  expect(await reportOf({ 'run/cloud-init/status.json': errors('no user', 'no "key"') })).toMatchObject({
    state: 'error',
    detail: 'no user; no "key"',
  })
})

test('a full disk fails the first boot of a machine, and no later one', async () => {
  const full = { 'run/cloud-init/status.json': errors(NO_SPACE) }
  expect(await reportOf(full)).toMatchObject({ state: 'ok' })
  expect(await reportOf({ ...full, 'var/lib/cloud/instance/boot-finished': null })).toMatchObject({
    state: 'error',
    detail: NO_SPACE,
  })
})

test('where cloud-init could not write its result, its end is that of its last unit', async () => {
  const files = { 'run/cloud-init/result.json': null, 'run/cloud-init/status.json': null }
  expect(await reportOf(files, 'Job=\nActiveState=failed')).toMatchObject({ state: 'ok' })
  await expect(reportOf(files, 'Job=7\nActiveState=inactive', 2_000)).rejects.toThrow('no report yet')
})
