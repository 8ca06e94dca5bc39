import { constants } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'
import { expect, test } from 'vitest'
import { checkStateDir, machineFiles, openPlainFile } from './machine-files.ts'

const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'

test('a state directory is refused from the byte on that makes sockets unreachable', () => {
  const longest = `/${'x'.repeat(48)}`
  expect(Buffer.byteLength(machineFiles(longest, id).ready)).toBe(107)
  expect(() => checkStateDir(longest)).not.toThrow()
  expect(() => checkStateDir(`${longest}x`)).toThrow('is 1 bytes too long')
  expect(() => checkStateDir(`/${'ä'.repeat(25)}`)).toThrow(HostError)
  expect(() => checkStateDir('state')).toThrow('absolute')
})

test.each(['..', '../../etc', '', id.toUpperCase(), `${id}/x`, `${id}\n`])('%j is no machine', (name) => {
  expect(() => machineFiles('/state', name)).toThrow(HostError)
})

test('a link or a directory in place of a file is refused', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'plain-'))
  try {
    await writeFile(join(directory, 'file'), 'x')
    await symlink(join(directory, 'file'), join(directory, 'link'))
    await mkdir(join(directory, 'directory'))
    const file = await openPlainFile(join(directory, 'file'), constants.O_RDONLY)
    await file.close()
    await expect(openPlainFile(join(directory, 'link'), constants.O_RDONLY)).rejects.toThrow('ELOOP')
    await expect(openPlainFile(join(directory, 'directory'), constants.O_RDONLY)).rejects.toThrow(HostError)
  } finally {
    await rm(directory, { recursive: true })
  }
})
