import { existsSync } from 'node:fs'
import type { QemuPlan } from './qemu-arguments.ts'

/** Whether systemd runs this host, by the test that sd_booted(3) makes. */
export function isSystemdHost(): boolean {
  return existsSync('/run/systemd/system')
}

/**
 * MiB that a machine's process may take beside its guest's memory, at most: QEMU itself with its buffers and the
 * console's ring, a share for each virtual CPU, page tables (a 64th is far above the 1/512 that 4 KiB pages take),
 * and under software emulation the translation cache (`tb-size` of qemu-arguments.ts) with what describes it.
 * Cached disk pages are charged to the scope as well, but the kernel gives those back by itself.
 */
function overheadMib({ vcpus, memoryMib, accelerator }: QemuPlan): number {
  const emulation = accelerator === 'tcg' ? 256 + 128 : 0
  return 256 + 16 * vcpus + Math.ceil(memoryMib / 64) + emulation
}

/** Hundredths of a CPU that QEMU may use beside its virtual CPUs, for disks, network and console. */
const ownCpuPercent = 50

/**
 * The words that start a machine as a transient scope of systemd (systemd-run(1)): outside the server's own control
 * group, so that stopping the service leaves it alone, and within limits of memory and processor time. systemd-run
 * replaces itself with what follows, so the process keeps its pid. A name that exists is refused, so a scope is
 * one more lock on the machine.
 */
export function scopeArguments(plan: QemuPlan): string[] {
  return [
    'systemd-run',
    '--scope',
    '--quiet',
    '--collect',
    '--slice=berth.slice',
    `--unit=berth-${plan.installId}-${plan.id}.scope`,
    `--description=Berth guest ${plan.id}`,
    `--property=MemoryMax=${plan.memoryMib + overheadMib(plan)}M`,
    `--property=CPUQuota=${plan.vcpus * 100 + ownCpuPercent}%`,
    '--',
  ]
}
