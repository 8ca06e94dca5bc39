import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { packInitramfs, type ArchiveEntry } from './initramfs-archive.ts'
import { resolveKernelModules } from './kernel-modules.ts'

export interface BusyboxInitramfs {
  /** `…/lib/modules/VERSION` of the unpacked kernel package. */
  readonly modulesDir: string
  /** A statically linked busybox. */
  readonly busybox: string
  /** Commands that the scripts call, each a link to busybox. */
  readonly applets: readonly string[]
  /** Directories in the order of their making, parents first. `bin` and `dev` are there anyway. */
  readonly directories: readonly string[]
  /** Where each file goes. `executable` as in a mode of 0755. */
  readonly files: readonly { readonly path: string; readonly source: URL; readonly executable?: boolean }[]
  /**
   * Kernel modules by group. A group's list, dependencies first, stands in `modules/GROUP`, one file name
   * of `modules/` a line; what an earlier group has is left out.
   */
  readonly modules: Readonly<Record<string, readonly string[]>>
}

/**
 * Writes an initramfs of busybox, scripts and modules. It is not compressed: under software emulation
 * unpacking costs more than loading the 3 MB does.
 */
export async function writeBusyboxInitramfs(parts: BusyboxInitramfs, output: string): Promise<void> {
  const entries: ArchiveEntry[] = [
    ...['bin', 'dev', 'modules', ...parts.directories].map((path): ArchiveEntry => ({
      path,
      type: 'directory',
    })),
    { path: 'dev/console', type: 'device', major: 5, minor: 1 },
    { path: 'dev/null', type: 'device', major: 1, minor: 3 },
    { path: 'bin/busybox', type: 'file', content: await readFile(parts.busybox), executable: true },
    ...parts.applets.map((name): ArchiveEntry => ({ path: `bin/${name}`, type: 'link', target: 'busybox' })),
  ]
  for (const { path, source, executable = false } of parts.files) {
    entries.push({ path, type: 'file', content: await readFile(source), executable })
  }
  const seen = new Set<string>()
  for (const [group, wanted] of Object.entries(parts.modules)) {
    const paths = await resolveKernelModules(parts.modulesDir, wanted)
    const added = paths.filter((path) => !seen.has(path))
    for (const path of added) {
      seen.add(path)
      const content = await readFile(join(parts.modulesDir, path))
      entries.push({ path: `modules/${basename(path)}`, type: 'file', content })
    }
    const list = added.map((path) => `${basename(path)}\n`).join('')
    entries.push({ path: `modules/${group}`, type: 'file', content: Buffer.from(list) })
  }
  await writeFile(output, packInitramfs(entries))
}
