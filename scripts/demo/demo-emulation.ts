/** What the server logs once it knows how guests run. */
const DECIDED = 'decided how guests run'

/**
 * One line for who waits for an emulated guest; null where guests run at full speed.
 * @param log the server's log of JSON lines
 */
export function emulationText(log: string): string | null {
  const line = log.split('\n').findLast((each) => each.includes(DECIDED))
  const { accelerator, reason = '' } = parsed(line)
  if (accelerator !== 'tcg') return null
  const [, why = reason, command] = /^(.*?)\s*Run: (.*?)\.?$/s.exec(reason) ?? []
  const cause = why.replace(/^Guests run in software emulation: /, '').replace(/\.$/, '')
  const remedy = command ?? 'a host with working KVM; sudo bin/berth doctor --recheck looks at it again'
  return `Without KVM the guest is emulated, and boots in about a minute instead of seconds: ${cause}. To change it: ${remedy}`
}

function parsed(line = '{}'): { readonly accelerator?: string; readonly reason?: string } {
  try {
    return JSON.parse(line) as { accelerator?: string; reason?: string }
  } catch {
    return {}
  }
}
