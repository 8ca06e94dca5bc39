import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where one suite of Debian comes from. */
export interface DebianSource {
  readonly suite: string
  readonly uri: string
  /** Path of the key ring that signs it. */
  readonly signedBy: string
}

export const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

const defaultSources: readonly DebianSource[] = [
  { suite: 'bookworm', uri: 'http://deb.debian.org/debian', signedBy: debianKeyring },
  { suite: 'bookworm-updates', uri: 'http://deb.debian.org/debian', signedBy: debianKeyring },
  { suite: 'bookworm-security', uri: 'http://deb.debian.org/debian-security', signedBy: debianKeyring },
]

/**
 * Where bookworm, its updates and its security fixes come from: the mirrors that the host's own apt
 * sources name, and deb.debian.org for what they leave out. Reads only; other suites and vendors of the
 * host are ignored.
 */
export async function debianSources(aptDir = '/etc/apt'): Promise<DebianSource[]> {
  const found = new Map<string, DebianSource>()
  for (const { path, text } of await sourceFiles(aptDir)) {
    const entries = path.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text)
    for (const entry of entries) if (!found.has(entry.suite)) found.set(entry.suite, entry)
  }
  return defaultSources.map((source) => found.get(source.suite) ?? source)
}

/** The sources in deb822 format (sources.list(5)), main only. */
export function renderSources(sources: readonly DebianSource[]): string {
  return sources
    .map(
      ({ suite, uri, signedBy }) =>
        `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\nSigned-By: ${signedBy}\n`,
    )
    .join('\n')
}

/** The sources as one-line entries (sources.list(5)), main only. */
export function renderOneLineSources(sources: readonly DebianSource[]): string[] {
  return sources.map(({ suite, uri, signedBy }) => `deb [signed-by=${signedBy}] ${uri} ${suite} main`)
}

function wantedSource(
  suite: string,
  uri: string | undefined,
  components: readonly string[],
  signedBy?: string,
) {
  const wanted = defaultSources.some((source) => source.suite === suite)
  if (!wanted || !components.includes('main') || !uri || !/^[a-z+]+:[\x21-\x7e]+$/.test(uri)) return []
  return [{ suite, uri, signedBy: signedBy?.startsWith('/') ? signedBy : debianKeyring }]
}

function parseDeb822(text: string): DebianSource[] {
  return text.split(/\n[ \t]*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>()
    for (const line of stanza.split('\n')) {
      const match = /^([A-Za-z-]+):[ \t]*(.*)$/.exec(line)
      if (match) fields.set(match[1]!.toLowerCase(), match[2]!.trim())
    }
    const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean)
    if (!words('types').includes('deb') || fields.get('enabled')?.toLowerCase() === 'no') return []
    return words('suites').flatMap((suite) =>
      wantedSource(suite, words('uris')[0], words('components'), fields.get('signed-by')),
    )
  })
}

function parseOneLine(text: string): DebianSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line)
    if (!match) return []
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(match[1] ?? '')?.[1]
    return wantedSource(match[3]!, match[2], match[4]!.split(/\s+/), signedBy)
  })
}

async function sourceFiles(aptDir: string): Promise<{ path: string; text: string }[]> {
  const parts = join(aptDir, 'sources.list.d')
  const names = await readdir(parts).catch(() => [])
  const paths = names.filter((name) => /\.(list|sources)$/.test(name)).toSorted()
  const files = []
  for (const path of [join(aptDir, 'sources.list'), ...paths.map((name) => join(parts, name))]) {
    const text = await readFile(path, 'utf8').catch(() => null)
    if (text !== null) files.push({ path, text })
  }
  return files
}
