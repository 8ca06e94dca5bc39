import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { filesBelow } from '../support/files-below.ts'

const SERVER = join(import.meta.dirname, '../../packages/server/src')

/** What writes the errors and reasons that tenants read. */
const FOLDERS = [
  'api',
  'lifecycle',
  'drivers',
  'network',
  'engine',
  'host',
  'certificates',
  'images/container',
]

/** They hold the verdict on KVM, which only `berth doctor` and the log show. */
const OPERATORS = ['drivers/qemu/accelerator.ts', 'drivers/qemu/host-devices.ts']

/** What only who runs the host can type. */
const COMMAND =
  /\b(berth (serve|doctor|census|network|instance|image|backup|restore)|npm run|apt-get install|useradd|modprobe|chmod [0-7ugoa])/

test('texts that tenants read speak of no command of the operator’s', () => {
  const found: string[] = []
  for (const folder of FOLDERS) {
    for (const path of filesBelow(join(SERVER, folder))) {
      const name = relative(SERVER, path)
      if (!/(?<!\.test)\.ts$/.test(name) || OPERATORS.includes(name)) continue
      const lines = readFileSync(path, 'utf8').split('\n')
      for (const line of lines) {
        const isText = !/^\s*(\/?\*|\/\/)/.test(line) && !/\bremedy\b/.test(line)
        if (isText && COMMAND.test(line)) found.push(`${name}: ${line.trim()}`)
      }
    }
  }
  expect(found).toEqual([])
})
