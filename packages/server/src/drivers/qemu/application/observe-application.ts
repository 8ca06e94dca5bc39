import type { ApplicationObservation, GuestApplication } from '../../machine-driver.ts'
import type { GuestAgentClient } from '../guest-agent-client.ts'
import { guestText } from '../guest-text.ts'
import { guestPaths, guestUnits } from './guest-paths.ts'
import { JOURNAL_BYTES, JOURNAL_ENTRIES, journalWords } from './journal-words.ts'
import { ENDS_AN_HOUR } from './unit-files.ts'

/**
 * $1: the application's unit, $2: a file that is as old as its configuration is in use, $3: the statuses that mean
 * that it is up, in which case its words are left alone; then curl's words.
 */
const SCRIPT = `
unit=$1
since=$(stat -c %Y "$2" 2>/dev/null || echo 0)
statuses=$3
shift 3
systemctl show --property=ActiveState,ExecMainCode,ExecMainStatus,NRestarts,Result,Job "$unit"
echo
answer=$(curl "$@")
printf '%s\\n' "$answer"
case " $statuses " in *" \${answer%% *} "*) exit 0 ;; esac
journalctl --quiet --no-pager --all --output=json --lines=${JOURNAL_ENTRIES} --since="@$since" \
  --output-fields=MESSAGE,PRIORITY,_TRANSPORT,CONTAINER_NAME,CONTAINER_PARTIAL_MESSAGE \
  _SYSTEMD_UNIT="$unit" | tail -c ${JOURNAL_BYTES}
`

/** Asks the application, from inside the guest, as its users do: by name, through the web server. */
export async function observeApplication(
  agent: GuestAgentClient,
  application: Pick<GuestApplication, 'port' | 'tls' | 'health'>,
): Promise<ApplicationObservation> {
  const statuses = application.health.statuses.join(' ')
  const words = [guestUnits.application, guestPaths.applied, statuses, ...curlWords(application)]
  const { stdout } = await agent.exec(['/bin/sh', '-c', SCRIPT, 'berth', ...words], { timeoutMs: 60_000 })
  return readObservation(stdout, application.health.statuses)
}

/** Ten seconds are for applications that answer slowly under emulation. */
function curlWords({ port, tls, health }: Pick<GuestApplication, 'port' | 'tls' | 'health'>): string[] {
  const trust = tls === null ? [] : ['--cacert', guestPaths.root]
  const origin = tls === null ? `http://127.0.0.1:${port}` : `https://${tls.name}:${port}`
  return [
    '--silent',
    '--globoff',
    '--noproxy',
    '*',
    '--max-time',
    '10',
    '--output',
    '/dev/null',
    '--write-out',
    String.raw`%{http_code} %{errormsg}\n`,
    '--connect-to',
    `::127.0.0.1:${port}`,
    ...trust,
    `${origin}${health.path}`,
  ]
}

/**
 * What the script's output says: properties of the unit, an empty line, curl's line, and the journal.
 * @param statuses HTTP statuses that mean that the application is up
 */
export function readObservation(output: string, statuses: readonly number[]): ApplicationObservation {
  const [properties, rest] = splitOnce(output, '\n\n')
  const [answer, written] = splitOnce(rest, '\n')
  const unit = new Map(properties.split('\n').map((line) => splitOnce(line, '=')))
  const { log, engineError } = journalWords(written)
  const refusal = engineError !== '' && podmanGaveUp(unit) ? { engineError } : {}
  const status = Number(/^\d{3}/.exec(answer)?.[0] ?? 0)
  if (statuses.includes(status)) return { state: 'answering', detail: `HTTP ${status}`, log }
  const failed = (detail: string): ApplicationObservation => ({ state: 'failed', detail, log, ...refusal })
  if (unit.get('ActiveState') === 'failed') return failed(howItFailed(unit))
  if (isOff(unit)) return failed('It was stopped in the guest.')
  const restarts = Number(unit.get('NRestarts') ?? 0)
  const detail =
    restarts > 0
      ? `it${lastEnd(unit)}, and is started again (${restarts}).`
      : whyNothingCame(status, guestText(answer.slice(4), 200).trim())
  return { state: 'starting', detail, log, ...refusal }
}

/**
 * Whether what podman complains of is why there is no container (podman-run(1), EXIT STATUS); while the next start is
 * under way, the unit no longer says how the last one ended.
 */
function podmanGaveUp(unit: ReadonlyMap<string, string>): boolean {
  const code = unit.get('ExecMainCode')
  return code === '0' || (code === '1' && ['125', '126', '127'].includes(unit.get('ExecMainStatus') ?? ''))
}

/** systemd's own count of restarts also has those before the hour, and the one that it refused. */
function howItFailed(unit: ReadonlyMap<string, string>): string {
  const soon = isOrderly(unit) ? ' as soon as it was started' : ''
  return `It ended ${howItEnded(unit)}${soon}, ${ENDS_AN_HOUR} times within an hour.`
}

/** What it ended with is unknown from when it is started again. */
function lastEnd(unit: ReadonlyMap<string, string>): string {
  return unit.get('ExecMainCode') === '0' ? ' ended' : ` ended ${howItEnded(unit)}`
}

function howItEnded(unit: ReadonlyMap<string, string>): string {
  const status = Number(unit.get('ExecMainStatus'))
  // ExecMainCode is a SIGCHLD code (sigaction(2)): 1 exited, 2 killed, 3 dumped core.
  return unit.get('ExecMainCode') === '1' ? `with status ${status}` : `by signal ${status}`
}

function isOrderly(unit: ReadonlyMap<string, string>): boolean {
  return unit.get('Result') === 'success'
}

/** Whether nobody is about to start it: a start that waits has a job. */
function isOff(unit: ReadonlyMap<string, string>): boolean {
  return unit.get('ActiveState') === 'inactive' && Number(unit.get('Job') ?? 0) === 0
}

function whyNothingCame(status: number, error: string): string {
  if (status === 502) return 'the web server answered 502: the application does not listen yet.'
  if (status === 504) return 'the web server answered 504: the application took too long.'
  if (status > 0) return `it answers with HTTP ${status}.`
  return `the web server does not answer: ${error === '' ? 'no reason given' : error}.`
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
