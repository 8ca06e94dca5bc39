import type { MachineIdentity, MachineNic } from '../machine-driver.ts'
import { checkIdentity } from '../machine-rules.ts'
import { accessAtStartCommand, accessFileName } from './access-at-start.ts'
import { readinessScript, readinessScriptPath, readinessUnit, readinessUnitPath } from './readiness-script.ts'

/** The texts of a NoCloud seed, by file name (cloud-init's documentation, "NoCloud"), and what of Berth's lies beside. */
export type SeedFiles = Readonly<Record<'meta-data' | 'network-config' | 'user-data', string>> &
  Partial<Record<typeof accessFileName, string>>

/** What the seed says of a machine; the password is a SHA-512-crypt hash already. */
export interface SeedContent {
  readonly id: string
  readonly nic: Pick<MachineNic, 'mac' | 'address' | 'gateway' | 'nameservers'>
  readonly identity: Omit<MachineIdentity, 'password'>
  readonly passwordHash: string | undefined
  /** What a machine that has booted before is to change at its next start; absent where nothing is. */
  readonly accessFile?: string
}

/**
 * Writes the seed's texts as JSON, which is YAML too, so that nothing a user wrote can leave its string.
 * Throws a HostError on a host name, user name or key that a guest could misread.
 */
export function seedFiles(content: SeedContent): SeedFiles {
  const { id, nic, identity } = content
  checkIdentity(identity)
  return {
    // cloud-init takes a new instance-id for a new machine and would configure everything again.
    'meta-data': yamlJson({ 'instance-id': id, 'local-hostname': identity.hostname }),
    'network-config': yamlJson({
      version: 2,
      ethernets: {
        nic0: {
          match: { macaddress: nic.mac },
          addresses: [nic.address],
          // cloud-init 22.4 (Debian 12) does not know the word `default` here.
          routes: [{ to: '0.0.0.0/0', via: nic.gateway }],
          // An empty list makes cloud-init print a traceback at each boot.
          ...(nic.nameservers.length === 0 ? {} : { nameservers: { addresses: nic.nameservers } }),
        },
      },
    }),
    'user-data': `#cloud-config\n${yamlJson(cloudConfig(content))}`,
    ...(content.accessFile === undefined ? {} : { [accessFileName]: content.accessFile }),
  }
}

function cloudConfig({ identity, passwordHash: hash, accessFile }: SeedContent): object {
  return {
    ...(accessFile === undefined ? {} : { bootcmd: [accessAtStartCommand] }),
    hostname: identity.hostname,
    manage_etc_hosts: 'localhost',
    users: [
      {
        name: identity.user,
        ssh_authorized_keys: identity.sshKeys,
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        lock_passwd: hash === undefined,
        // `passwd` is for a user that cloud-init creates, `hashed_passwd` for one that the image has.
        ...(hash === undefined ? {} : { passwd: hash, hashed_passwd: hash }),
      },
    ],
    ssh_pwauth: hash !== undefined,
    write_files: [
      { path: readinessScriptPath, permissions: '0755', content: readinessScript },
      { path: readinessUnitPath, permissions: '0644', content: readinessUnit },
    ],
    // Not every image has bash, and a login shell that is missing locks the user out.
    runcmd: [['sh', '-c', '[ ! -x /bin/bash ] || usermod -s /bin/bash "$1"', 'sh', identity.user]],
  }
}

/**
 * JSON that YAML 1.1 reads the same: the characters that YAML forbids in a stream, or takes for line
 * breaks, are escaped (yaml.org/spec/1.1, 5.1 and 5.4).
 */
function yamlJson(value: unknown): string {
  const text = JSON.stringify(value)
  return `${text.replaceAll(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escapeCharacter)}\n`
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
