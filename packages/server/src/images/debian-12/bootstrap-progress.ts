/** How many lines of each kind the bootstrap of this recipe's packages prints. */
const expected = { downloaded: 239, unpacked: 233, configured: 233 }

export interface BootstrapStep {
  /** 0 to 1 over the whole bootstrap. */
  readonly fraction: number
  readonly message: string
}

/**
 * A function that follows a bootstrap by the lines it prints (`Get:12 …`, `Unpacking …`, `Setting up …`)
 * and answers null for lines that say nothing about progress.
 */
export function bootstrapFraction(): (line: string) => BootstrapStep | null {
  const seen = { downloaded: 0, unpacked: 0, configured: 0 }
  return (line) => {
    const match = /^(Get:\d+|Unpacking|Setting up) (.*)$/.exec(line)
    if (!match) return null
    const [, verb, rest] = match
    const kind = verb === 'Unpacking' ? 'unpacked' : verb === 'Setting up' ? 'configured' : 'downloaded'
    seen[kind] += 1
    const words = rest!.split(' ')
    // `Get:1 URI SUITE ARCH PACKAGE …` for packages, `Get:1 URI SUITE InRelease [SIZE kB]` for lists.
    const subject = kind !== 'downloaded' ? words[0] : words.length > 5 ? words[3] : words[2]
    const share = (name: keyof typeof seen) => Math.min(1, seen[name] / expected[name])
    return {
      fraction: 0.15 * share('downloaded') + 0.35 * share('unpacked') + 0.5 * share('configured'),
      message: `${kind === 'downloaded' ? 'Downloaded' : verb} ${subject!.replace(/:\w+$/, '')}`,
    }
  }
}
