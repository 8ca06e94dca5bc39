import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const unit = { name: 'berth-application.service', content: '[Unit]\n' }

/** What the script asks systemd for in a guest that has its unit, whose `NeedDaemonReload` is as given. */
function adopt({ needsReload, present }: { needsReload: boolean; present: string }): string[] {
  const root = mkdtempSync(join(tmpdir(), 'apply-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const units = join(root, 'etc/systemd/system')
  const containers = join(root, 'var/lib/containers/storage/overlay-containers')
  for (const directory of [join(units, 'multi-user.target.wants'), containers, join(root, 'bin')])
    mkdirSync(directory, { recursive: true })
  const path = join(units, unit.name)
  writeFileSync(path, present)
  writeFileSync(join(containers, 'containers.json'), '[]')
  symlinkSync(path, join(units, 'multi-user.target.wants', unit.name))
  const answer = `[ "$1" = show ] && printf '${needsReload ? 'yes' : 'no'}\\n\\nno\\n'`
  const systemctl = `#!/bin/sh\necho "$1" >>${root}/log\n${answer}\nexit 0\n`
  writeFileSync(join(root, 'bin/systemctl'), systemctl, { mode: 0o755 })
  const source = readFileSync(new URL('apply-application.py', import.meta.url), 'utf8')
  const script = source.replaceAll(/(?<=')\/(?:var\/lib|etc)\//g, (found) => root + found)
  const wanted = {
    adopt: true,
    parts: null,
    paths: {},
    programs: [],
    application: unit.name,
    units: [{ path, content: unit.content }],
  }
  const env = { PATH: `${join(root, 'bin')}:${process.env['PATH']}` }
  const { status, stderr } = spawnSync('python3', ['-I', '-c', script], {
    input: JSON.stringify(wanted),
    encoding: 'utf8',
    env,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(readFileSync(path, 'utf8')).toBe(unit.content)
  return readFileSync(join(root, 'log'), 'utf8').trimEnd().split('\n')
}

test('systemd reads a changed unit, also where a run was killed that had only written it', () => {
  expect(adopt({ present: '[Unit]\n# old\n', needsReload: false })).toContain('daemon-reload')
  expect(adopt({ present: unit.content, needsReload: true })).toContain('daemon-reload')
  expect(adopt({ present: unit.content, needsReload: false })).not.toContain('daemon-reload')
})
