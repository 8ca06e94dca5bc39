import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { machineIdOf } from './guest-process.ts'
import { qemuArguments } from './qemu-arguments.ts'

const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'

function cmdline(installId: string): string {
  const kernel = { image: '/kernel', arguments: ['quiet'] }
  const plan = { installId, id, vcpus: 1, memoryMib: 128, kernel, volumes: true, nic: null }
  const words = ['/usr/bin/qemu-system-x86_64', ...qemuArguments({ ...plan, accelerator: 'tcg' })]
  return `${words.join('\0')}\0`
}

test('a machine is known by its own arguments, and by no other installation', () => {
  expect(machineIdOf(cmdline('abc123'), 'abc123')).toBe(id)
  expect(machineIdOf(cmdline('abc124'), 'abc123')).toBeUndefined()
})

test.each([
  '',
  `pgrep\0-f\0-uuid ${id} -name guest=berth-abc123-${id},\0`,
  `qemu\0-uuid\0${id}\0`,
  `qemu\0-name\0guest=berth-abc123-${id},process=x\0`,
  `qemu\0-uuid\0${id.replace('6', '7')}\0-name\0guest=berth-abc123-${id},process=x\0`,
  `qemu\0-name\0guest=berth-abc123-,x\0-uuid\0`,
])('%j is no machine', (text) => {
  expect(machineIdOf(text, 'abc123')).toBeUndefined()
})

test('out of file descriptors, nobody can tell whether a machine runs, and the error says why', async () => {
  const source = (name: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, name)).href)
  const look = `
    import { openSync } from 'node:fs'
    const { inspectProcess } = await import(${source('guest-process.ts')})
    const { QemuDriver } = await import(${source('qemu-driver.ts')})
    const owner = { installId: 'abc123', uid: 0 }
    const directories = { stateDir: '/nowhere', cacheDir: '/nowhere' }
    const driver = new QemuDriver({ ...directories, installId: 'abc123', accelerator: 'tcg', guestUser: 'root' })
    const looks = [
      () => inspectProcess(process.pid, owner),
      () => driver.observe('${id}'),
      () => driver.requestPowerOff('${id}'),
      () => driver.consoleTail('${id}'),
      () => driver.census(),
    ]
    const first = await Promise.all(looks.map((look) => look()))
    let full = false
    while (!full) try { openSync('/dev/null') } catch { full = true }
    const second = await Promise.allSettled(looks.map((look) => look()))
    const said = second.map(({ reason }) => (reason?.name === 'HostError' ? reason.message : reason?.code ?? null))
    console.log(JSON.stringify({ power: first[1].power, said }))`
  const limited = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', look]
  const { stdout } = await promisify(execFile)('sh', limited)
  const reason = 'The server has no file descriptors left. Allow it more (LimitNOFILE=, ulimit -n).'
  expect(JSON.parse(stdout)).toEqual({ power: 'stopped', said: ['EMFILE', ...Array(4).fill(reason)] })
})
