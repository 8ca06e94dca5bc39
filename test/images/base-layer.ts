import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostAcquireSettings } from '../../packages/server/src/images/apt-root.ts'
import { debianSources } from '../../packages/server/src/images/debian-sources.ts'
import { runCommand } from '../../packages/server/src/images/run-command.ts'
import { madeOnce } from './made-once.ts'
import { type Layer, packLayer } from './oci-layout.ts'

/** A tree of Debian's packages, on which a stand-in stands. */
export interface Base {
  readonly suite: 'bookworm' | 'sid'
  /** `extract` runs no package's scripts: for a program that needs its files and nothing else. */
  readonly variant: 'minbase' | 'extract'
  readonly packages: readonly string[]
  /** The file `customize` is run with the tree's root; the others lie beside it. */
  readonly files: Readonly<Record<string, URL>>
}

const TIMEOUT_MS = 20 * 60_000
const UNWANTED = ['man', 'doc', 'locale', 'info', 'javascript/mathjax', 'bash-completion', 'zoneinfo']

/** The base as a layer, made by mmdebstrap the first time. */
export async function baseLayer(base: Base): Promise<Layer> {
  const directory = await madeOnce(`base-${await digestOf(base)}`, async (output, work) => {
    const archive = join(work, 'root.tar')
    await bootstrap(base, archive, work)
    const layer = await packLayer(archive, join(output, 'layer.tar.gz'))
    await rm(archive)
    await writeFile(join(output, 'layer.json'), JSON.stringify(layer))
  })
  const layer = JSON.parse(await readFile(join(directory, 'layer.json'), 'utf8')) as Layer
  return { ...layer, packing: 'gzip', path: join(directory, 'layer.tar.gz') }
}

async function bootstrap(base: Base, archive: string, work: string): Promise<void> {
  const scripts = join(work, 'scripts')
  const temporary = join(work, 'tmp')
  await mkdir(scripts)
  await mkdir(temporary)
  await chmod(temporary, 0o1777)
  for (const [name, source] of Object.entries(base.files)) {
    await copyFile(source, join(scripts, name))
    await chmod(join(scripts, name), 0o755)
  }
  const acquire = (await hostAcquireSettings()).map((line) => line.replace(/;$/, ''))
  const aptOptions = ['Acquire::Languages "none"', ...acquire]
  // Snapshots of a mirror keep sid's release file beyond its date.
  if (base.suite === 'sid') aptOptions.push('Acquire::Check-Valid-Until "false"')
  const args = [
    '--mode=root',
    `--variant=${base.variant}`,
    '--architectures=amd64',
    '--format=tar',
    '--skip=output/dev',
    `--include=${base.packages.join(',')}`,
    ...aptOptions.map((option) => `--aptopt=${option}`),
    ...UNWANTED.map((path) => `--dpkgopt=path-exclude=/usr/share/${path}/*`),
    '--dpkgopt=force-unsafe-io',
    `--customize-hook=${join(scripts, 'customize')}`,
    base.suite,
    archive,
    ...(await sourcesOf(base.suite)),
  ]
  const env = { TMPDIR: temporary, SOURCE_DATE_EPOCH: '1704067200' }
  await runCommand('mmdebstrap', args, { timeoutMs: TIMEOUT_MS, env, debianPackage: 'mmdebstrap' })
}

/** sid comes from wherever bookworm does. */
async function sourcesOf(suite: Base['suite']): Promise<string[]> {
  const sources = await debianSources()
  if (suite === 'bookworm')
    return sources.map((it) => `deb [signed-by=${it.signedBy}] ${it.uri} ${it.suite} main`)
  const [bookworm] = sources
  return bookworm ? [`deb [signed-by=${bookworm.signedBy}] ${bookworm.uri} sid main`] : []
}

async function digestOf({ suite, variant, packages, files }: Base): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([suite, variant, packages, UNWANTED]))
  for (const [name, source] of Object.entries(files))
    hash.update(`\0${name}\0`).update(await readFile(source))
  return hash.digest('hex').slice(0, 16)
}
