import { spawnSync } from 'node:child_process'
import { getuid, stderr } from 'node:process'

/** What real guests need of Debian, with the reason, which a person is told before anything is installed. */
const debianPackages: Readonly<Record<string, string>> = {
  'qemu-system-x86': 'runs the guests',
  'qemu-utils': 'makes their disks (qemu-img)',
  mmdebstrap: 'builds the Debian guest image',
  nftables: 'firewall rules of a project',
  iproute2: 'namespaces, bridges and taps (ip)',
  dosfstools: "formats the guests' seed volumes (mkfs.vfat)",
  mtools: 'writes files into seed volumes without mounting them',
  cpio: 'packs and unpacks initial RAM disks',
  zstd: 'unpacks kernel modules and packages',
  e2fsprogs: 'makes root file systems without mounting them (mke2fs -d)',
  skopeo: 'fetches container images for services',
  umoci: 'unpacks them',
  openssl: 'hashes guest passwords',
  'openssh-client': 'logs in to guests (ssh, ssh-keygen)',
  procps: 'sets up namespaces (sysctl)',
  'util-linux': 'starts guests unprivileged (setpriv)',
  curl: 'asks the API: the commands that the demo prints',
  jq: 'lays the answers out for people',
}

/** QEMU runs as this user, who owns nothing else on the host. */
const guestUser = 'berth-guest'

/** Setup cannot go on. The message says what failed and what to type next. */
export class SetupError extends Error {}

function fail(message: string): never {
  throw new SetupError(message)
}

/** Runs a command without a shell, for at most `minutes`; its output is kept for when it fails. */
function run(command: string, words: readonly string[], minutes: number): { ok: boolean; output: string } {
  const result = spawnSync(command, words, {
    encoding: 'utf8',
    timeout: minutes * 60_000,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`
  return { ok: result.status === 0, output }
}

function mustRun(what: string, command: string, words: readonly string[], next: string): void {
  console.error(`setup: ${what}`)
  const { ok, output } = run(command, words, 20)
  if (ok) return
  stderr.write(output.split('\n').slice(-30).join('\n'))
  fail(`${what} failed; the last lines are above.\n  Next: ${next}`)
}

function missingPackages(): string[] {
  const { output } = run(
    'dpkg-query',
    ['--show', '--showformat=${Package} ${db:Status-Status}\n', ...Object.keys(debianPackages)],
    1,
  )
  const installed = new Set(
    output
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  )
  return Object.keys(debianPackages).filter((name) => !installed.has(name))
}

/**
 * Makes this host able to run real guests: Debian packages and the guests' user. Changes nothing when all
 * is there. @throws SetupError, with the commands to type when this is not root.
 */
export function ensureDebianHost(): void {
  if (!run('dpkg-query', ['--version'], 1).ok) {
    fail(
      'real guests need Debian, and this host has no dpkg-query.\n  Next: use Debian 12, or go without real guests: npm run setup -- --simulated',
    )
  }
  const packages = missingPackages()
  const install = ['install', '--yes', '--no-install-recommends', ...packages]
  const userAdd = ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', guestUser]
  const needsUser = !run('getent', ['passwd', guestUser], 1).ok
  if (packages.length === 0 && !needsUser) return

  for (const name of packages) console.error(`  missing: ${name}: ${debianPackages[name]}`)
  if (needsUser) console.error(`  missing: the system user ${guestUser}: runs the guests without privileges`)
  if (getuid?.() !== 0) {
    const commands = [
      ...(packages.length > 0 ? ['sudo apt-get update', `sudo apt-get ${install.join(' ')}`] : []),
      ...(needsUser ? [`sudo useradd ${userAdd.join(' ')}`] : []),
    ]
    fail(
      `this needs root. Type:\n  ${commands.join(' && \\\n  ')}\n` +
        'and then again: npm run setup\n  Without root there are simulated guests: npm run setup -- --simulated',
    )
  }
  if (packages.length > 0) {
    const next = 'see that the Debian mirrors of /etc/apt can be reached, then: npm run setup'
    const lock = ['-o', 'DPkg::Lock::Timeout=600']
    mustRun('apt-get update', 'apt-get', [...lock, 'update'], next)
    mustRun(`apt-get install ${packages.join(' ')}`, 'apt-get', [...lock, ...install], next)
  }
  if (needsUser) {
    const { ok, output } = run('useradd', userAdd, 1)
    // Another checkout's setup may have been faster.
    if (!ok && !run('getent', ['passwd', guestUser], 1).ok) {
      fail(`useradd ${guestUser} failed: ${output.trim()}\n  Next: sudo useradd ${userAdd.join(' ')}`)
    }
  }
}
