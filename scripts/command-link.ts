import { lstatSync, readlinkSync, realpathSync, renameSync, symlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Where every user's PATH finds a command that the host's administrator added (FHS 4.4). */
const COMMAND_LINK = '/usr/local/bin/berth'

/** What is at a path: nothing, a link whose target is gone, or whatever it leads to in the end. */
type Found = { readonly is: 'nothing' | 'dangling' } | { readonly is: 'taken'; readonly by: string }

/**
 * Makes the command `berth` one that every shell finds. What is there already stays, another checkout's link too; only
 * a link to the command of a checkout that is gone is replaced.
 * @param command the checkout's own `bin/berth`
 * @param mayWrite whether the link can be made: as root
 * @returns what was done, or what to type; null when the link is there
 */
export function linkCommand(command: string, mayWrite: boolean, link: string = COMMAND_LINK): string | null {
  const found = lookAt(link)
  if (found.is === 'taken') {
    if (found.by === realpathSync(command)) return null
    return (
      `berth on PATH is ${found.by} and stays; this checkout's command is ${command}. ` +
      `To change that: sudo ln -sfn '${command}' ${link}`
    )
  }
  const byHand = `this checkout's command is ${command}. To have it on PATH as berth: sudo ln -sfn '${command}' ${link}`
  if (!mayWrite) return byHand
  try {
    const made = `${link}.new-${process.pid}`
    symlinkSync(command, made)
    renameSync(made, link)
  } catch {
    return byHand
  }
  return `${link} leads to ${command} now: type berth`
}

function lookAt(link: string): Found {
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) return { is: 'nothing' }
  try {
    return { is: 'taken', by: realpathSync(link) }
  } catch {
    const target = resolve(dirname(link), readlinkSync(link))
    return target.endsWith('/bin/berth') ? { is: 'dangling' } : { is: 'taken', by: target }
  }
}
