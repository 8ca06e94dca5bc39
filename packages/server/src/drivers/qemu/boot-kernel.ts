import { HostError } from '@berth/contract/host/host-error'
import type { BootImage } from '../machine-driver.ts'
import type { QemuPlan } from './qemu-arguments.ts'

/** The kernel that an image's machines are started with; null where firmware boots the disk. */
export function bootKernel(image: BootImage): QemuPlan['kernel'] {
  if (image.bootMode === 'disk') return null
  if (image.kernel === undefined)
    throw new HostError(`The image ${image.name} names no kernel to boot.`, { retryable: false })
  return {
    image: image.kernel,
    arguments: image.kernelArguments ?? [],
    ...(image.initrd === undefined ? {} : { initrd: image.initrd }),
  }
}
