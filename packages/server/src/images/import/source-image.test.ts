import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { qcow2Header } from '../../../../../test/support/qcow2-header.ts'
import { judgeSource } from './source-image.ts'

const gib = 2n ** 30n

async function judge(content: Buffer) {
  const path = join(await tempDir(), 'source')
  await writeFile(path, content)
  return judgeSource(path)
}

test('qcow2 is told by its header, raw by its boot sector', async () => {
  expect(await judge(qcow2Header({ virtualSize: 3n * gib }))).toEqual({
    format: 'qcow2',
    virtualSize: 3n * gib,
  })
  const raw = Buffer.alloc(2 ** 20)
  raw.writeUInt16LE(0xaa55, 510)
  expect(await judge(raw)).toEqual({ format: 'raw', virtualSize: 2n ** 20n })
})

test.each([
  ['an overlay', qcow2Header({ backingFile: '/etc/shadow' }), 'its backing file'],
  ['data elsewhere', qcow2Header({ features: 4n }), 'in another file'],
  ['encryption', qcow2Header({ encryption: 2 }), 'it is encrypted'],
  ['an absurd size', qcow2Header({ virtualSize: 2n ** 60n }), 'at most 1024 GiB'],
  ['no size', qcow2Header({ virtualSize: 0n }), 'cannot hold an operating system'],
  ['a version to come', qcow2Header({ version: 4 }), 'version 4'],
  ['a web page', Buffer.from('<html>'.repeat(500)), 'neither a qcow2 file nor a raw disk'],
  ['nothing', Buffer.alloc(0), 'neither a qcow2 file nor a raw disk'],
  ['an xz archive', Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(600)]), 'unxz'],
  ['a VMDK disk', Buffer.from('KDMV'.padEnd(600, 'x')), 'VMDK'],
])('%s is refused', async (_what, content, why) => {
  await expect(judge(content)).rejects.toThrow(why)
})
