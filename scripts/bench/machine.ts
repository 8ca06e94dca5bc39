import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from './figures.ts'

/** What the figures were measured on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  /** Milliseconds until 4 KiB are on the disk that holds the database; every write of the API waits for it. */
  readonly fsync: number
}

const SYNCS = 200

/** @param directory on the disk that the benchmark's databases are on */
export function describeMachine(directory: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: totalmem() / 1024 ** 3,
    kernel: release(),
    node: process.version,
    fsync: fsyncMilliseconds(join(directory, 'fsync')),
  }
}

/** How busy the machine was over the last minute, in processes that wanted to run. */
export function loadAverage(): number {
  return loadavg()[0] ?? Number.NaN
}

function fsyncMilliseconds(path: string): number {
  const file = openSync(path, 'w', 0o600)
  const block = Buffer.alloc(4096)
  const times: number[] = []
  try {
    for (let sync = 0; sync < SYNCS; sync += 1) {
      const from = performance.now()
      writeSync(file, block, 0, block.length, 0)
      fsyncSync(file)
      times.push(performance.now() - from)
    }
  } finally {
    closeSync(file)
    rmSync(path)
  }
  return median(times)
}
