import { basename } from 'node:path'
import { HostError } from '@berth/contract/host/host-error'

/** Which Debian package carries a program, for the message that tells what to install. */
const PACKAGES: Readonly<Record<string, string>> = {
  bridge: 'iproute2',
  debugfs: 'e2fsprogs',
  du: 'coreutils',
  flock: 'util-linux',
  getent: 'libc-bin',
  ip: 'iproute2',
  mcopy: 'mtools',
  mke2fs: 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  nft: 'nftables',
  openssl: 'openssl',
  'qemu-img': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  setpriv: 'util-linux',
  skopeo: 'skopeo',
  sysctl: 'procps',
  umoci: 'umoci',
  unshare: 'util-linux',
}

/** Why a program could not be started, with what to install when it is a known one. */
export function missingProgram(file: string): HostError {
  const name = PACKAGES[basename(file)]
  const remedy = name === undefined ? 'install it, or correct its path' : `apt-get install ${name}`
  return new HostError(`The program ${file} is not on this host.`, { retryable: false, remedy })
}
