import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createAptRoot } from '../apt-root.ts'
import { writeBusyboxInitramfs } from '../busybox-initramfs.ts'
import { concreteKernelPackage, kernelVersion, unpackDebs } from '../kernel-package.ts'
import type { BuildContext, ImageRecipe, RecipeResult } from '../recipe.ts'

const kernelMetaPackage = 'linux-image-cloud-amd64'

/** Modules loaded before the seed is looked for, and those that only a guest with a seed needs. */
const modules = {
  seed: ['virtio_pci', 'virtio_blk', 'fat', 'vfat', 'nls_cp437', 'nls_ascii', 'nls_utf8'],
  rest: ['virtio_net', 'virtio_console', 'evdev', 'button', 'pvpanic_pci'],
} as const

/** The commands that the guest's scripts call. */
const applets = (
  'sh mount umount insmod findfs sleep awk printf cat echo ip hostname httpd acpid ' +
  'mkdir ln head tr sync poweroff reboot ['
).split(' ')

const directories = 'lib proc sys run seed tmp etc etc/acpi etc/acpi/PWRF www www/cgi-bin'.split(' ')

const files = {
  init: new URL('init', import.meta.url),
  ready: new URL('ready', import.meta.url),
  'json.awk': new URL('json.awk', import.meta.url),
  'index.cgi': new URL('index.cgi', import.meta.url),
  'power-button': new URL('power-button', import.meta.url),
}

/**
 * A guest that lives in its initramfs: Debian's kernel, busybox and a handful of modules. It answers
 * whether an accelerator works within seconds, and stands in for a full guest where many boots are needed.
 */
export const tinyRecipe: ImageRecipe = {
  name: 'tiny',
  revision: 1,
  packages: [kernelMetaPackage, 'busybox-static'],
  // A kernel that panics restarts after a second, so that nothing waits on a dead guest.
  kernelArguments: ['console=ttyS0', 'quiet', 'panic=1'],
  defaultUser: 'root',
  settings: { modules, applets, directories },
  files,
  tools: { 'apt-get': 'apt', 'apt-cache': 'apt', 'apt-config': 'apt', 'dpkg-deb': 'dpkg' },
  build,
}

async function build({ workDir, outputDir, progress }: BuildContext): Promise<RecipeResult> {
  progress.report('package lists', 0, 'Fetching the package lists of Debian 12')
  const apt = await createAptRoot(join(workDir, 'apt'))
  const kernelPackage = await concreteKernelPackage(apt, kernelMetaPackage)
  progress.report('download', 0.4, `Downloading ${kernelPackage} and busybox-static`)
  const downloads = join(workDir, 'debs')
  const root = join(workDir, 'root')
  await mkdir(downloads)
  await mkdir(root)
  await apt.download([kernelPackage, 'busybox-static'], downloads)
  progress.report('unpack', 0.7, 'Unpacking the kernel and busybox')
  const packages = await unpackDebs(downloads, root)
  progress.report('initramfs', 0.9, 'Packing the initramfs')
  const version = await kernelVersion(root)
  await copyFile(join(root, 'boot', `vmlinuz-${version}`), join(outputDir, 'kernel'))
  await writeBusyboxInitramfs(
    {
      modulesDir: join(root, 'lib/modules', version),
      busybox: join(root, 'bin/busybox'),
      applets,
      directories,
      files: [
        { path: 'init', source: files.init, executable: true },
        { path: 'lib/ready', source: files.ready },
        { path: 'lib/json.awk', source: files['json.awk'] },
        { path: 'www/cgi-bin/index.cgi', source: files['index.cgi'], executable: true },
        // acpid of busybox runs this path when the power button is pressed.
        { path: 'etc/acpi/PWRF/00000080', source: files['power-button'], executable: true },
      ],
      modules,
    },
    join(outputDir, 'initrd'),
  )
  return { bootMode: 'kernel', files: { kernel: 'kernel', initrd: 'initrd' }, packages }
}
