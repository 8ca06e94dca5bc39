import { randomBytes } from 'node:crypto'
import { PROJECTS_PATH } from '@berth/contract/api-version'

const PROFILE = 'no-gpu-vm'

/** The workspace that holds the objects which are read, changed and published. */
export const WORKSPACE = 'default'

/** Path of a workspace's instances. */
export function instancesPath(workspace = WORKSPACE): string {
  return `${PROJECTS_PATH}/defaultproject/workspaces/${workspace}/computeinstances`
}

/** The names are all equally long, so that every answer is. */
export function nameOf(index: number): string {
  return `vm-${String(index).padStart(6, '0')}`
}

/** A public key that nobody has the other half of (RFC 8709: type and 32 bytes, each with its length before it). */
function someSshKey(): string {
  const fields = [Buffer.from('ssh-ed25519'), randomBytes(32)]
  const blob = fields.flatMap((field) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(field.length)
    return [length, field]
  })
  return `ssh-ed25519 ${Buffer.concat(blob).toString('base64')} bench`
}

const SSH_KEY = someSshKey()

/** An apply body of the usual kind: a size, a password that is stored sealed, and a key. */
export function instanceText(name: string, vcpus: number): string {
  return JSON.stringify({
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'ComputeInstance',
    metadata: { name, workspace: WORKSPACE, project: 'defaultproject' },
    spec: {
      computeProfile: { name: PROFILE, systemCatalog: true },
      variables: [
        { name: 'Guest CPU Count', value: String(vcpus), valueType: 'text' },
        { name: 'Guest Password', value: 'vm1234', valueType: 'text' },
        { name: 'SSH Public Keys', value: SSH_KEY, valueType: 'text' },
      ],
    },
  })
}
