import { readFile, readdir } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'

/** Module names treat `-` and `_` alike (modprobe(8)). */
function canonicalName(name: string): string {
  return basename(name).replace(/\.ko$/, '').replaceAll('-', '_')
}

/**
 * The files of the wanted kernel modules and of all that they depend on, dependencies first: the order
 * in which insmod takes them. Dependencies are read from each module's own `depends=` field, since an
 * unpacked kernel package has no modules.dep. Built-in modules need no file and are left out.
 *
 * @param directory `…/lib/modules/VERSION`
 * @throws HostError when a module is neither there nor built in.
 */
export async function resolveKernelModules(directory: string, wanted: readonly string[]): Promise<string[]> {
  const paths = new Map<string, string>()
  for (const entry of await readdir(join(directory, 'kernel'), { recursive: true })) {
    if (entry.endsWith('.ko')) paths.set(canonicalName(entry), join(directory, 'kernel', entry))
  }
  const builtIn = new Set(
    (await readFile(join(directory, 'modules.builtin'), 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map(canonicalName),
  )
  const ordered = new Set<string>()
  const visit = async (name: string): Promise<void> => {
    const canonical = canonicalName(name)
    const path = paths.get(canonical)
    if (path === undefined) {
      if (builtIn.has(canonical)) return
      throw new HostError(`The kernel package has no module ${name}.`, { retryable: false })
    }
    if (ordered.has(path)) return
    for (const dependency of moduleDependencies(await readFile(path))) await visit(dependency)
    ordered.add(path)
  }
  for (const name of wanted) await visit(name)
  return [...ordered].map((path) => relative(directory, path))
}

/** The names in the `depends=` field of a module's .modinfo section. */
export function moduleDependencies(module: Buffer): string[] {
  const marker = Buffer.from('\0depends=')
  const at = module.indexOf(marker)
  if (at < 0) return []
  const start = at + marker.length
  const end = module.indexOf(0, start)
  return module.toString('latin1', start, end).split(',').filter(Boolean)
}
