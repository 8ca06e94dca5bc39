import { type Finding, missing, ok, warning } from './finding.ts'

/** What is known of a file or a directory; null when it does not exist. */
export type FileFacts = { readonly mode: number; readonly uid: number } | null

interface StateFacts {
  readonly path: string
  readonly directory: FileFacts
  /** secret.key, admin.key and berth.db, by name. */
  readonly files: Readonly<Record<string, FileFacts>>
  /** Why `berth serve` would refuse STATE as somebody else's; null when it would not. */
  readonly refusal: { readonly why: string; readonly remedy: string } | null
  /** The directories above STATE that others may not pass through, where guests need to. */
  readonly closedAbove: readonly string[]
  /** Who looks. */
  readonly uid: number
}

/** Whether STATE can be passed through by guests, and its secrets be read by nobody else. */
export function judgeState({ path, directory, files, refusal, closedAbove, uid }: StateFacts): Finding {
  if (closedAbove.length > 0) {
    const names = closedAbove.join(' ')
    return missing(
      'State',
      `guests cannot pass through ${names}`,
      `chmod o+x ${names}, or choose another --state`,
    )
  }
  if (directory === null) return ok('State', `${path} will be made at the first start`)
  if (directory.uid !== uid && uid !== 0) {
    return missing(
      'State',
      `${path} belongs to user ${directory.uid}`,
      `Run as that user, or: chown -R ${uid} ${path}`,
    )
  }
  if (refusal !== null) return missing('State', `berth serve refuses it: ${refusal.why}`, refusal.remedy)
  const open = Object.entries(files).filter(([, facts]) => facts !== null && (facts.mode & 0o077) !== 0)
  if (open.length > 0) {
    const names = open.map(([name]) => `${path}/${name}`).join(' ')
    return warning('State', `others may read ${names}`, `chmod 600 ${names}`)
  }
  if ((directory.mode & 0o022) !== 0) {
    return warning('State', `others may write ${path}`, `chmod 711 ${path}`)
  }
  return ok('State', `${path}, closed to others`)
}
