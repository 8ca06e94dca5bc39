import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { packInitramfs, type ArchiveEntry } from './initramfs-archive.ts'
import { moduleDependencies } from './kernel-modules.ts'

const entries: ArchiveEntry[] = [
  { path: 'bin', type: 'directory' },
  { path: 'bin/sh', type: 'link', target: 'busybox' },
  { path: 'init', type: 'file', content: Buffer.from('#!/bin/sh\n'), executable: true },
  { path: 'dev', type: 'directory' },
  { path: 'dev/console', type: 'device', major: 5, minor: 1 },
]

test('an archive lists what was packed, and is the same every time', () => {
  const archive = packInitramfs(entries)
  expect(archive.equals(packInitramfs(entries))).toBe(true)
  const listing = execFileSync('cpio', ['-itv', '--quiet', '--numeric-uid-gid'], {
    input: archive,
  }).toString()
  const lines = listing
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' '))
  expect(lines).toHaveLength(5)
  expect(lines[1]).toMatch(/^lrwxrwxrwx 1 0 0 .* bin\/sh -> busybox$/)
  expect(lines[2]).toMatch(/^-rwxr-xr-x 1 0 0 10 .* init$/)
  expect(lines[4]).toMatch(/^crw------- 1 0 0 5, 1 .* dev\/console$/)
})

test("a module's dependencies are read from its own data", () => {
  const module = (text: string) => Buffer.from(`ELF\0license=GPL\0depends=${text}\0name=x\0`)
  expect(moduleDependencies(module('virtio,virtio_ring'))).toEqual(['virtio', 'virtio_ring'])
  expect(moduleDependencies(module(''))).toEqual([])
  expect(moduleDependencies(Buffer.from('no module'))).toEqual([])
})
