/** The sizes that a machine can have; how much of it there is depends on the host. */
export const MACHINE_LIMITS = {
  /** More processors than 255 need an interrupt controller that Berth's machines lack (x2APIC with remapping). */
  vcpus: { minimum: 1, maximum: 255 },
  /** Less does not hold a kernel and its initrd. */
  memoryMib: { minimum: 64, maximum: 16 * 1024 * 1024 },
  diskGib: { minimum: 1, maximum: 65_536 },
  gpuCount: { minimum: 0, maximum: 64 },
} as const
