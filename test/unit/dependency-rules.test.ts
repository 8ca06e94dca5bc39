import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'

interface CruiseResult {
  readonly summary: {
    readonly totalCruised: number
    readonly violations: readonly { from: string; to: string; rule: { name: string } }[]
  }
  readonly modules: readonly { source: string }[]
}

const repository = resolve(import.meta.dirname, '../..')

function cruise(folder: string, paths: readonly string[]): CruiseResult {
  const depcruise = join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const config = join(repository, '.dependency-cruiser.mjs')
  const { stdout } = spawnSync(
    process.execPath,
    [depcruise, '--config', config, '--output-type', 'json', ...paths],
    { cwd: folder, encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
  )
  return JSON.parse(stdout) as CruiseResult
}

const server = 'packages/server/src'
const contract = 'packages/contract/src'

/** Importing module, imported module, the rule that must object. */
const forbidden: readonly (readonly [string, string, string])[] = [
  [`${contract}/a.ts`, `${server}/store/a.ts`, 'contract-imports'],
  [`${contract}/b.ts`, 'packages/sdk/src/a.ts', 'contract-imports'],
  [`${server}/store/b.ts`, `${server}/engine/a.ts`, 'store-imports'],
  [`${server}/engine/b.ts`, `${server}/lifecycle/a.ts`, 'engine-imports'],
  [`${server}/engine/c.ts`, `${server}/drivers/machine-driver.ts`, 'engine-imports'],
  [`${server}/network/b.ts`, `${server}/store/a.ts`, 'network-imports'],
  [`${server}/network/c.ts`, `${server}/images/a.ts`, 'network-imports'],
  [`${server}/images/b.ts`, `${server}/drivers/qemu/a.ts`, 'images-imports'],
  [`${server}/drivers/qemu/b.ts`, `${server}/images/a.ts`, 'drivers/qemu-imports'],
  [`${server}/drivers/qemu/c.ts`, `${server}/drivers/simulated/a.ts`, 'drivers/qemu-imports'],
  [`${server}/drivers/simulated/b.ts`, `${server}/drivers/qemu/a.ts`, 'drivers/simulated-imports'],
  [`${server}/drivers/simulated/c.ts`, `${server}/network/a.ts`, 'drivers/simulated-imports'],
  [`${server}/lifecycle/b.ts`, `${server}/api/a.ts`, 'lifecycle-imports'],
  [`${server}/lifecycle/c.ts`, `${server}/auth/a.ts`, 'lifecycle-imports'],
  [`${server}/auth/b.ts`, `${server}/api/a.ts`, 'auth-imports'],
  [`${server}/auth/c.ts`, `${server}/engine/a.ts`, 'auth-imports'],
  [`${server}/api/b.ts`, `${server}/drivers/machine-driver.ts`, 'api-imports'],
  [`${server}/api/c.ts`, `${server}/network/a.ts`, 'api-imports'],
  [`${server}/api/d.ts`, `${server}/images/a.ts`, 'api-imports'],
  [`${server}/api/e.ts`, `${server}/lifecycle/a.ts`, 'api-imports'],
  [`${server}/api/f.ts`, `${server}/engine/a.ts`, 'api-imports'],
  [`${server}/api/g.ts`, `${server}/main/a.ts`, 'no-import-of-main'],
  ['scripts/b.ts', `${server}/main/a.ts`, 'no-import-of-main'],
  ['packages/cli/src/b.ts', `${server}/store/a.ts`, 'client-imports'],
  ['packages/sdk/src/b.ts', 'packages/cli/src/a.ts', 'client-imports'],
  ['packages/console/src/b.ts', `${server}/api/a.ts`, 'client-imports'],
  [`${server}/helpers/b.ts`, `${contract}/leaf.ts`, 'no-unknown-server-folder'],
  [`${server}/main/b.ts`, `${server}/helpers/a.ts`, 'no-import-of-unknown-server-folder'],
  [`${server}/main/c.ts`, 'test/support/a.ts', 'no-test-code-in-product'],
  [`${server}/main/d.ts`, `${server}/main/gone.ts`, 'no-unresolvable'],
  [`${server}/lifecycle/d.ts`, 'node:sqlite', 'sql-only-in-store'],
  [`${contract}/c.ts`, 'node:fs', 'contract-does-no-io'],
]

const allowed: readonly (readonly [string, string])[] = [
  [`${server}/store/x.ts`, `${contract}/leaf.ts`],
  [`${server}/engine/x.ts`, `${server}/store/a.ts`],
  [`${server}/drivers/qemu/x.ts`, `${server}/drivers/machine-driver.ts`],
  [`${server}/lifecycle/x.ts`, `${server}/network/a.ts`],
  [`${server}/lifecycle/y.ts`, `${server}/drivers/machine-driver.ts`],
  [`${server}/api/x.ts`, `${server}/auth/a.ts`],
  [`${server}/main/x.ts`, `${server}/lifecycle/a.ts`],
  [`${server}/store/x.test.ts`, 'test/support/a.ts'],
  [`${server}/store/y.ts`, 'node:sqlite'],
  ['packages/cli/src/x.ts', `${contract}/leaf.ts`],
]

/** As the code writes it: the contract by its package name, the rest by relative path. */
function specifier(from: string, to: string): string {
  if (to.startsWith('node:')) return to
  if (to.startsWith(contract)) return to.replace(`${contract}/`, '@berth/contract/').replace('.ts', '')
  return `${dirname(from).replaceAll(/[^/]+/g, '..')}/${to}`
}

async function plant(folder: string, path: string, text: string): Promise<void> {
  await mkdir(join(folder, dirname(path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

async function plantedTree(): Promise<string> {
  const folder = await tempDir()
  const edges = [...forbidden, ...allowed]
  await plant(
    folder,
    'packages/contract/package.json',
    '{"name":"@berth/contract","exports":{"./*":"./src/*.ts"}}',
  )
  await mkdir(join(folder, 'node_modules/@berth'), { recursive: true })
  await symlink('../../packages/contract', join(folder, 'node_modules/@berth/contract'))
  for (const [, to] of edges) {
    if (!to.startsWith('node:') && !to.includes('gone')) await plant(folder, to, 'export type Leaf = 1\n')
  }
  for (const [from, to] of edges) {
    // The weakest form of dependency: one that leaves no trace at run time.
    await plant(folder, from, `import type { Leaf } from '${specifier(from, to)}'\nexport type It = Leaf\n`)
  }
  await plant(folder, `${server}/main/y.ts`, "import type { Z } from './z.ts'\nexport type Y = Z\n")
  await plant(folder, `${server}/main/z.ts`, "import type { Y } from './y.ts'\nexport type Z = Y\n")
  return folder
}

describe('planted imports', () => {
  let result: CruiseResult
  beforeAll(async () => {
    result = cruise(await plantedTree(), ['packages', 'scripts', 'test'])
  })

  const rulesFor = (from: string) =>
    result.summary.violations.filter((it) => it.from === from).map((it) => it.rule.name)

  test.each(forbidden)('%s may not import %s', (from, _to, rule) => {
    expect(rulesFor(from)).toContain(rule)
  })

  test.each(allowed)('%s may import %s', (from) => {
    expect(result.modules.map((it) => it.source)).toContain(from)
    expect(rulesFor(from)).toEqual([])
  })

  test('a cycle is refused', () => {
    expect(rulesFor(`${server}/main/y.ts`)).toContain('no-cycles')
  })
})

test('every TypeScript file of the packages is seen', () => {
  const files = execFileSync(
    'find',
    ['packages', '-path', '*/node_modules', '-prune', '-o', '-name', '*.ts', '-print'],
    {
      cwd: repository,
      encoding: 'utf8',
    },
  )
  const seen = new Set(cruise(repository, ['packages']).modules.map((it) => it.source))
  const written = files.split('\n').filter(Boolean)
  expect(written.length).toBeGreaterThan(20)
  expect(written.filter((file) => !seen.has(file))).toEqual([])
})
