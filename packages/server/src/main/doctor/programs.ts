import { type Finding, missing, ok, warning } from './finding.ts'

/** Programs that running guests takes, with Debian's package of each. */
const FOR_GUESTS: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  flock: 'util-linux',
  setpriv: 'util-linux',
  ip: 'iproute2',
  bridge: 'iproute2',
  nft: 'nftables',
  sysctl: 'procps',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  openssl: 'openssl',
  getent: 'libc-bin',
  perl: 'perl-base',
}

/** Programs that only `berth image build` and `berth image import` take. */
const FOR_IMAGES: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  cpio: 'cpio',
  zstd: 'zstd',
  mke2fs: 'e2fsprogs',
  prlimit: 'util-linux',
}

/** Programs that fetching container images takes. */
const FOR_SERVICES: Readonly<Record<string, string>> = {
  skopeo: 'skopeo',
  umoci: 'umoci',
  mke2fs: 'e2fsprogs',
  du: 'coreutils',
  unshare: 'util-linux',
}

/** Which programs are there, by a function that knows. */
export async function judgePrograms(isInstalled: (program: string) => Promise<boolean>): Promise<Finding[]> {
  const absent = async (programs: Readonly<Record<string, string>>) => {
    const found = await Promise.all(
      Object.entries(programs).map(async ([program, name]) => ({
        program,
        name,
        here: await isInstalled(program),
      })),
    )
    return found.filter(({ here }) => !here)
  }
  const install = (list: readonly { name: string }[]) =>
    `apt-get install ${[...new Set(list.map(({ name }) => name))].join(' ')}`
  const names = (list: readonly { program: string }[]) => list.map(({ program }) => program).join(', ')
  const [forGuests, forImages] = [await absent(FOR_GUESTS), await absent(FOR_IMAGES)]
  const forServices = await absent(FOR_SERVICES)
  return [
    forGuests.length === 0
      ? ok('Programs', `QEMU and the ${Object.keys(FOR_GUESTS).length - 1} programs beside it are here`)
      : missing('Programs', `not installed: ${names(forGuests)}`, install(forGuests)),
    forImages.length === 0
      ? ok('Image tools', 'images can be built and imported')
      : warning('Image tools', `not installed: ${names(forImages)}`, install(forImages)),
    forServices.length === 0
      ? ok('Container tools', 'container images can be fetched, for services')
      : warning(
          'Container tools',
          `not installed: ${names(forServices)}, which services need`,
          install(forServices),
        ),
  ]
}
