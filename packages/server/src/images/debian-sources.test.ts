import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { debianKeyring, debianSources, renderSources } from './debian-sources.ts'

async function aptDir(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-apt-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await mkdir(join(directory, 'sources.list.d'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

const uris = async (directory: string) =>
  Object.fromEntries((await debianSources(directory)).map(({ suite, uri }) => [suite, uri]))

test('a host without bookworm sources gets the public mirror', async () => {
  expect(
    await uris(await aptDir({ 'sources.list': 'deb http://mirror.example/debian trixie main\n' })),
  ).toEqual({
    bookworm: 'http://deb.debian.org/debian',
    'bookworm-updates': 'http://deb.debian.org/debian',
    'bookworm-security': 'http://deb.debian.org/debian-security',
  })
})

test("the host's mirror is used in either format; other vendors and commented lines are not", async () => {
  const directory = await aptDir({
    'sources.list':
      '# deb http://old.example/debian bookworm main\n' +
      'deb [arch=amd64 signed-by=/etc/apt/keyrings/own.gpg] http://mirror.example/debian bookworm main contrib # x\n',
    'sources.list.d/security.sources':
      'Types: deb deb-src\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n\n' +
      'Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: bookworm-updates\nComponents: main\n',
    'sources.list.d/vendor.list': 'deb https://vendor.example/apt bookworm stable\n',
  })
  expect(await debianSources(directory)).toEqual([
    { suite: 'bookworm', uri: 'http://mirror.example/debian', signedBy: '/etc/apt/keyrings/own.gpg' },
    { suite: 'bookworm-updates', uri: 'http://deb.debian.org/debian', signedBy: debianKeyring },
    { suite: 'bookworm-security', uri: 'http://mirror.example/security', signedBy: debianKeyring },
  ])
})

test('sources are rendered as deb822 stanzas', () => {
  const text = renderSources([{ suite: 'bookworm', uri: 'http://m.example/debian', signedBy: debianKeyring }])
  expect(text).toBe(
    `Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\nSigned-By: ${debianKeyring}\n`,
  )
})
