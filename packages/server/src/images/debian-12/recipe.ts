import { chmod, copyFile, mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostAcquireSettings } from '../apt-root.ts'
import { writeBusyboxInitramfs } from '../busybox-initramfs.ts'
import { debianSources, renderOneLineSources } from '../debian-sources.ts'
import { kernelVersion } from '../kernel-package.ts'
import type { BuildContext, ImageRecipe, RecipeResult } from '../recipe.ts'
import { runCommand } from '../run-command.ts'
import { bootstrapFraction } from './bootstrap-progress.ts'

const isRoot = process.getuid?.() === 0
/** The file system's size before a machine grows it, in bytes. */
const diskBytes = 2 * 1024 ** 3
const bootstrapTimeoutMs = 30 * 60_000
const diskTimeoutMs = 10 * 60_000

const packages = (
  'linux-image-cloud-amd64 busybox-static kmod udev systemd systemd-sysv systemd-resolved libpam-systemd dbus ' +
  'cloud-init cloud-guest-utils openssh-server qemu-guest-agent sudo python3 ca-certificates iproute2 netbase ' +
  'e2fsprogs procps less curl iputils-ping nano rsync locales chrony unattended-upgrades'
).split(' ')

const modules = { root: ['virtio_pci', 'virtio_blk', 'ext4'] }
const applets = 'sh mount insmod findfs sleep echo switch_root ['.split(' ')
const directories = ['proc', 'sys', 'run', 'root']

const baseFiles = {
  init: new URL('init', import.meta.url),
  customize: new URL('customize', import.meta.url),
  'make-disk': new URL('make-disk', import.meta.url),
  '90_berth.cfg': new URL('90_berth.cfg', import.meta.url),
  'debian.sources': new URL('debian.sources', import.meta.url),
  'resolved.conf': new URL('resolved.conf', import.meta.url),
  '52berth-upgrades': new URL('52berth-upgrades', import.meta.url),
  'apt-daily.timer.conf': new URL('apt-daily.timer.conf', import.meta.url),
  'apt-daily-upgrade.timer.conf': new URL('apt-daily-upgrade.timer.conf', import.meta.url),
  'chrony.conf': new URL('chrony.conf', import.meta.url),
  'chrony.service.conf': new URL('chrony.service.conf', import.meta.url),
  'host-clock': new URL('host-clock', import.meta.url),
}

const aptOptions = ['Acquire::Languages "none"']
const unwanted = ['/usr/share/man/*', '/usr/share/doc/*', '/usr/share/locale/*', '/usr/share/info/*']

/** What an image has besides Debian 12 itself. */
interface DebianVariant {
  readonly name: string
  readonly packages: readonly string[]
  readonly files: Readonly<Record<string, URL>>
  /** Names among `files`: scripts that run on the host as `customize` does, after it. */
  readonly customizers: readonly string[]
}

/**
 * Debian 12 with cloud-init and an SSH server. It boots by direct kernel with an initramfs of busybox and
 * the modules of its disk: the distribution's own starts udev first, which is slow under emulation.
 */
export const debian12Recipe = debianRecipe({ name: 'debian-12', packages: [], files: {}, customizers: [] })

/** Debian 12 as `debian12Recipe` has it, with more in it. */
export function debianRecipe(variant: DebianVariant): ImageRecipe {
  const recipe = {
    name: variant.name,
    revision: 1,
    packages: [...packages, ...variant.packages],
    kernelArguments: ['root=LABEL=berth-root', 'ro', 'console=ttyS0', 'quiet', 'panic=5'],
    defaultUser: 'debian',
    settings: { modules, applets, directories, unwanted, diskBytes },
    files: { ...baseFiles, ...variant.files },
    tools: {
      mmdebstrap: 'mmdebstrap',
      mke2fs: 'e2fsprogs',
      'qemu-img': 'qemu-utils',
      tar: 'tar',
      'apt-config': 'apt',
      ...(isRoot ? {} : { newuidmap: 'uidmap' }),
    },
  }
  const content = { ...recipe, customizers: ['customize', ...variant.customizers] }
  return { ...recipe, build: async (context) => await build(content, context) }
}

type DebianContent = Pick<ImageRecipe, 'packages' | 'files'> & Pick<DebianVariant, 'customizers'>

async function build(content: DebianContent, context: BuildContext): Promise<RecipeResult> {
  const { workDir, outputDir, progress } = context
  const archive = join(workDir, 'root.tar')
  const scripts = join(workDir, 'files')
  await mkdir(scripts, { mode: 0o755 })
  for (const [name, source] of Object.entries(content.files)) {
    await copyFile(source, join(scripts, name))
    await chmod(join(scripts, name), 0o755)
  }
  const installed = await bootstrap(content, archive, scripts, context)

  progress.report('initramfs', 0.8, 'Taking out the kernel and packing the initramfs')
  const boot = join(workDir, 'boot')
  await mkdir(boot)
  const members = ['./boot', './usr/lib/modules', './usr/bin/busybox']
  const untar = ['-C', boot, '--no-same-owner', '-xf', archive, ...members]
  await runCommand('tar', untar, { timeoutMs: diskTimeoutMs, debianPackage: 'tar' })
  const version = await kernelVersion(join(boot, 'usr'))
  await copyFile(join(boot, 'boot', `vmlinuz-${version}`), join(outputDir, 'kernel'))
  const initramfs = {
    modulesDir: join(boot, 'usr/lib/modules', version),
    busybox: join(boot, 'usr/bin/busybox'),
    applets,
    directories,
    files: [{ path: 'init', source: baseFiles.init, executable: true }],
    modules,
  }
  await writeBusyboxInitramfs(initramfs, join(outputDir, 'initrd'))

  progress.report('file system', 0.84, 'Writing the root file system')
  const raw = join(workDir, 'disk.raw')
  const space = join(workDir, 'space')
  await makeWorldWritable(raw, space)
  const makeDisk = [join(scripts, 'make-disk'), archive, space, raw]
  const [command, ...args] = isRoot ? makeDisk : ['mmdebstrap', '--unshare-helper', ...makeDisk]
  await runCommand(command!, args, { timeoutMs: diskTimeoutMs, debianPackage: 'e2fsprogs' })

  progress.report('disk', 0.93, 'Converting the root file system to qcow2')
  const convert = ['convert', '-f', 'raw', '-O', 'qcow2', raw, join(outputDir, 'disk.qcow2')]
  await runCommand('qemu-img', convert, { timeoutMs: diskTimeoutMs, debianPackage: 'qemu-utils' })
  return {
    bootMode: 'kernel',
    files: { kernel: 'kernel', initrd: 'initrd', disk: 'disk.qcow2' },
    packages: installed,
  }
}

/** Installs the packages into a tar archive; answers version by package name. */
async function bootstrap(
  content: DebianContent,
  archive: string,
  scripts: string,
  { workDir, progress }: BuildContext,
): Promise<Record<string, string>> {
  const temporary = join(workDir, 'tmp')
  await mkdir(temporary)
  await chmod(temporary, 0o1777)
  const versions: Record<string, string> = {}
  const fraction = bootstrapFraction()
  const acquire = (await hostAcquireSettings()).map((line) => line.replace(/;$/, ''))
  const args = [
    `--mode=${isRoot ? 'root' : 'unshare'}`,
    '--variant=minbase',
    '--architectures=amd64',
    '--format=tar',
    '--verbose',
    '--skip=cleanup/apt,cleanup/reproducible',
    `--include=${content.packages.join(',')}`,
    ...[...aptOptions, ...acquire].map((option) => `--aptopt=${option}`),
    ...unwanted.map((path) => `--dpkgopt=path-exclude=${path}`),
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    ...content.customizers.map((name) => `--customize-hook=${join(scripts, name)}`),
    'bookworm',
    archive,
    ...renderOneLineSources(await debianSources()),
  ]
  await runCommand('mmdebstrap', args, {
    timeoutMs: bootstrapTimeoutMs,
    debianPackage: 'mmdebstrap',
    // INITRD=No keeps the kernel package from making an initramfs that nothing would boot.
    env: { TMPDIR: temporary, INITRD: 'No' },
    onLine: (line) => {
      const step = fraction(line)
      if (step) progress.report('install packages', step.fraction * 0.8, step.message)
      const set = /^Setting up (\S+?)(?::\w+)? \((\S+)\)/.exec(line)
      if (set) versions[set[1]!] = set[2]!
    },
  })
  return versions
}

/** In a user namespace the disk is written by another user id than ours. */
async function makeWorldWritable(raw: string, space: string): Promise<void> {
  await writeFile(raw, '')
  await truncate(raw, diskBytes)
  await chmod(raw, 0o666)
  await mkdir(space)
  await chmod(space, 0o777)
}
