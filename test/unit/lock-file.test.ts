import { globSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { expect, test } from 'vitest'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const repository = resolve(import.meta.dirname, '../..')

function read(path: string): unknown {
  return JSON.parse(readFileSync(resolve(repository, path), 'utf8'))
}

const lock = read('package-lock.json') as { packages: Readonly<Record<string, Manifest>> }

// setup installs without writing the lock file, so nothing else would notice that one is stale.
test.each(['package.json', ...globSync('packages/*/package.json', { cwd: repository })])(
  'package-lock.json is up to date with %s (else type: npm install)',
  (path) => {
    const manifest = read(path) as Manifest
    const locked = lock.packages[path === 'package.json' ? '' : dirname(path)] ?? {}
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
      expect(locked[kind] ?? {}).toEqual(manifest[kind] ?? {})
    }
  },
)
