import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ComputeInstance } from '@berth/contract/compute-instance'
import { shellWord } from '../../packages/server/src/host/shell-word.ts'
import { INSTANCES, PROJECT } from './demo-deploy.ts'
import { isBeingRemoved } from './demo-marker.ts'
import { demoCommand, type DemoPlace } from './demo-place.ts'
import { logOf } from './demo-server.ts'
import { keyPath, writeSshConfig } from './demo-ssh.ts'

/** Where Debian and others put jq. */
const JQ = ['/usr/bin/jq', '/usr/local/bin/jq']

/** How far the demo came. */
export type DemoPhase = 'starting' | 'deploying' | 'up'

/** Commands with what they do as comments of the shell, one below the other: every line can be pasted whole. */
function columns(rows: readonly (readonly [command: string, meaning: string])[]): string {
  const width = Math.max(...rows.map(([command]) => command.length))
  return rows.map(([command, meaning]) => `  ${command.padEnd(width)}  # ${meaning}`).join('\n')
}

/**
 * How to get in, and what can be tried next.
 * @param otherPid the server's, where another terminal started it
 */
export function upText(place: DemoPlace, instance: ComputeInstance, otherPid: number | null): string {
  const output = instance.status.output['vm']?.tasks['guest'] ?? {}
  const { ServerHost: host = '', Port: port = '', Username: user = '' } = output
  // What root keeps for the demo is closed to who called it by sudo.
  const sudo = process.env['SUDO_USER'] ? 'sudo ' : ''
  const login =
    place.driver === 'qemu'
      ? `Log in:\n\n  ${sudo}${writeSshConfig(place, { host, port, user })}  # with the key ${keyPath(place)}`
      : 'This host is simulated: every state is there, but no guest to log in to.'
  const { message: reach } = instance.status.network
  const curl = 'curl -s -H "$KEY"'
  const jq = JQ.some((path) => existsSync(path)) ? ' | jq' : ''
  return `
The VM is up. ${login}

${wrapped(`What reaches what: ${reach}`)}

Talk to the API from another terminal:

  BERTH=${shellWord(place.url + PROJECT)}
  KEY="x-api-key: $(${sudo}cat ${shellWord(join(place.state, 'admin.key'))})"

${columns([
  [`${curl} $BERTH/${INSTANCES}/demo${jq}`, 'the VM'],
  [`${curl} $BERTH/${INSTANCES}${jq}`, 'all that is deployed'],
  [`${curl} $BERTH/computeprofiles${jq}`, 'what else can be deployed'],
  [`${curl} -X DELETE $BERTH/${INSTANCES}/demo${jq}`, 'delete the VM'],
])}

${serverText(place, otherPid)}`
}

/** A text in lines that a terminal shows whole. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,96})(?: |$)/g, '$1\n').trimEnd()
}

function serverText(place: DemoPlace, otherPid: number | null): string {
  return otherPid === null
    ? `The server runs in this terminal (log: ${logOf(place)}). Ctrl-C ends it, not the VM.`
    : `The server runs in another terminal (pid ${otherPid}, log: ${logOf(place)}).\n` +
        columns([[demoCommand(place, '--clean'), 'remove everything']])
}

/** What to say once the server has ended in order, or was made to end. */
export function endedText(place: DemoPlace, phase: DemoPhase): string {
  if (isBeingRemoved(place)) return '\nThe server has ended: npm run demo -- --clean removes the demo.'
  const left = {
    starting: 'It was still starting.',
    deploying: 'The VM was not up yet: it goes on being deployed when the server starts again.',
    up:
      place.driver === 'qemu'
        ? 'What it deployed stays: a VM that ran still runs.'
        : 'What was deployed is remembered.',
  }
  return `\nThe server has ended. ${left[phase]}\n${nextSteps(place, 'start the server again')}`
}

/** What can be done after a failure. */
export function failedText(place: DemoPlace, phase: DemoPhase): string {
  const log = existsSync(logOf(place)) ? `The server's log: ${logOf(place)}\n` : ''
  const move =
    phase === 'starting'
      ? 'BERTH_DEMO_LISTEN=address:port and BERTH_DEMO_STATE=directory move the demo.\n'
      : ''
  return `${log}${move}${nextSteps(place, 'try again')}`
}

export function interruptedCleanText(place: DemoPlace): string {
  return existsSync(place.state)
    ? `\nInterrupted: not everything is removed.\n${columns([[demoCommand(place, '--clean'), 'go on removing']])}`
    : '\nInterrupted, but everything is removed.'
}

function nextSteps(place: DemoPlace, again: string): string {
  return columns([
    [demoCommand(place), again],
    [demoCommand(place, '--clean'), 'remove everything'],
  ])
}
