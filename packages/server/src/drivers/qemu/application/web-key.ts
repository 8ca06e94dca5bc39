import { HostError } from '@berth/contract/host/host-error'
import type { GuestAgentClient } from '../guest-agent-client.ts'
import { guestText } from '../guest-text.ts'
import { guestPaths } from './guest-paths.ts'

/** $1: the directory of everything, $2: of the web server, $3: the key. Prints the public half. */
const SCRIPT = `
set -eu
umask 077
mkdir -p "$1" "$2"
if [ ! -s "$3" ]; then
  new=$(mktemp "$2/.key.XXXXXX")
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$new"
  sync "$new"
  mv "$new" "$3"
fi
exec openssl pkey -in "$3" -pubout
`

const publicKey = /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{64,400}-----END PUBLIC KEY-----\n$/

/** The public key of the guest's web server (SPKI, PEM). Its private half is made in the guest, once, and stays there. */
export async function webKey(agent: GuestAgentClient): Promise<string> {
  const { directory, web, key } = guestPaths
  const result = await agent.exec(['/bin/sh', '-c', SCRIPT, 'berth', directory, web, key])
  if (result.exitCode === 0 && publicKey.test(result.stdout)) return result.stdout
  const said = guestText(result.stderr, 2000).trim().slice(-300) || 'no reason given'
  throw new HostError(`The guest made no key for its web server: ${said}.`)
}
