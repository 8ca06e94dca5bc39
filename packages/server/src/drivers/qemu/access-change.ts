import { HostError } from '@berth/contract/host/host-error'
import type { AccessChange } from '../machine-driver.ts'
import { checkAccess } from '../machine-rules.ts'
import type { GuestAgentClient } from './guest-agent-client.ts'
import { hashPassword } from './password-hash.ts'

/**
 * Run in the guest with the user and `yes` or `no` for password login as arguments, and `boot` where sshd has yet to
 * start; on standard input the former keys, a line `--`, and the wanted keys. Keys are told apart by their base64 part,
 * since cloud-init writes lines in its own spacing; keys that nobody gave through Berth stay. sshd takes the first value
 * it reads of a setting, so a file that sorts early wins over cloud-init's (sshd_config(5)). It is reloaded only when it
 * must be, since it turns connections away for a moment.
 */
export const accessScript = `
set -eu
umask 077
user=$1
home=$(getent passwd "$user" | cut -d: -f6)
[ -n "$home" ]
mkdir -p "$home/.ssh"
KEYS=$home/.ssh/authorized_keys
export KEYS
touch "$KEYS"
new=$(mktemp "$home/.ssh/.keys.XXXXXX")
awk '
  !wanting && $0 == "--" { wanting = 1; next }
  { given[$2] = 1 }
  wanting { wanted[++count] = $0 }
  END {
    while ((getline line < ENVIRON["KEYS"]) > 0) {
      fields = split(line, field, /[ \\t]+/)
      known = 0
      for (i = 1; i <= fields; i++) if (field[i] in given) known = 1
      if (!known) print line
    }
    for (i = 1; i <= count; i++) print wanted[i]
  }
' >"$new"
chown -R "$user:" "$home/.ssh"
mv "$new" "$KEYS"
[ "$2" = yes ] || passwd -l "$user" >/dev/null
allowed=$(sshd -T 2>/dev/null | sed -n 's/^passwordauthentication //p')
if [ "$allowed" != "$2" ] && [ -d /etc/ssh/sshd_config.d ]; then
  umask 022
  printf 'PasswordAuthentication %s\\n' "$2" >/etc/ssh/sshd_config.d/10-berth.conf
  [ "\${3-}" = boot ] ||
    systemctl reload ssh.service 2>/dev/null || systemctl reload sshd.service 2>/dev/null || kill -HUP "$(cat /run/sshd.pid)"
fi
`

/**
 * Changes who may log in to a running guest.
 * @throws HostError with the guest's own complaint
 */
export async function changeAccess(agent: GuestAgentClient, change: AccessChange): Promise<void> {
  checkAccess(change)
  const { user, password, sshKeys, formerSshKeys } = change
  const input = [...formerSshKeys, '--', ...sshKeys, ''].join('\n')
  const passwordLogin = password === undefined ? 'no' : 'yes'
  const result = await agent.exec(['/bin/sh', '-c', accessScript, 'berth', user, passwordLogin], {
    input,
    timeoutMs: 30_000,
  })
  if (result.exitCode !== 0) {
    throw new HostError(
      `The guest refused the new keys or password: ${result.stderr.trim().slice(-300) || 'no reason given'}.`,
    )
  }
  // Last: an agent that may run nothing may still set passwords, and would have changed half.
  if (password !== undefined) await agent.setPasswordHash(user, await hashPassword(password))
}
