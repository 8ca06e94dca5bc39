import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * Where guest images are kept on this machine: `BERTH_CACHE`, else `/var/cache/berth` for root, else
 * `$XDG_CACHE_HOME/berth`, else `~/.cache/berth`. XDG asks that a relative XDG_CACHE_HOME be ignored
 * (XDG Base Directory Specification 0.8).
 */
export function imageCacheDir(
  env: Readonly<Record<string, string | undefined>> = process.env,
  uid: number | undefined = process.getuid?.(),
): string {
  if (env['BERTH_CACHE']) return resolve(env['BERTH_CACHE'])
  if (uid === 0) return '/var/cache/berth'
  const xdg = env['XDG_CACHE_HOME']
  if (xdg && isAbsolute(xdg)) return join(xdg, 'berth')
  return join(env['HOME'] || homedir(), '.cache', 'berth')
}
