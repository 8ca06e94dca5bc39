import type { AccessAtStart } from '../machine-driver.ts'
import { accessScript } from './access-change.ts'

/** The file of the seed volume that says what to change. */
export const accessFileName = 'berth-access'

/**
 * What cloud-init runs early at each boot, as it reads the seed anew each time (its documentation, "bootcmd"): it takes
 * the change from the seed, so that no text of a user is part of a script, makes it once, and leaves its stamp for the
 * readiness report. Before a machine's first boot is done there is no user to change; sshd has not started yet. It never
 * fails, or the boot would have: what is not changed bears no stamp.
 */
export const accessAtStartCommand: readonly string[] = [
  'sh',
  '-c',
  `
set -eu
mark=/var/lib/cloud/berth-access
seed=$(mktemp -d /run/berth-seed.XXXXXX)
end() {
  [ $? = 0 ] || echo 'berth: who may log in was not changed' >&2
  exec </dev/null
  umount "$seed"
  rmdir "$seed"
  exit 0
}
trap end EXIT
mount -o ro LABEL=CIDATA "$seed"
exec <"$seed/${accessFileName}"
read -r stamp
read -r user
read -r login
read -r hash
if [ "$(cat "$mark" 2>/dev/null)" != "$stamp" ]; then
  getent passwd "$user" >/dev/null || exit 0
  [ -z "$hash" ] || printf '%s:%s\\n' "$user" "$hash" | chpasswd -e
  sh -c "$1" berth "$user" "$login" boot
  printf '%s\\n' "$stamp" >"$mark.new"
  mv "$mark.new" "$mark"
fi
printf '%s\\n' "$stamp" >/run/berth-access
`,
  'berth',
  accessScript,
]

/** The text of that file; of the password it holds the SHA-512-crypt hash. */
export function accessFile(
  { stamp, user, sshKeys, formerSshKeys }: AccessAtStart,
  hash: string | undefined,
): string {
  const login = hash === undefined ? 'no' : 'yes'
  return [stamp, user, login, hash ?? '', ...formerSshKeys, '--', ...sshKeys, ''].join('\n')
}
