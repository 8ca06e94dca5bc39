import type { BootImage } from '../machine-driver.ts'

/** A simulated host has every image. */
export function simulatedImage(name: string): BootImage {
  return { name, digest: 'simulated', bootMode: 'kernel', defaultUser: 'debian' }
}
