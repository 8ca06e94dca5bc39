import { spawn, type ChildProcess } from 'node:child_process'
import { readlink } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { HostError } from '@berth/contract/host/host-error'
import { MAX_LISTING } from './nft-json.ts'
import { commandEnvironment, runCommand } from '../host/run-command.ts'

/** Seconds after which a scratch namespace ends by itself, whatever became of its maker. */
const LIFETIME = 30

/**
 * Runs `work` with a nameless network namespace of its own, which is gone afterwards. `exec` runs a program
 * inside and answers its standard output; `pid` is a process inside, by which `ip` finds it.
 */
export async function withScratchNamespace<T>(
  work: (
    exec: (file: string, args: readonly string[], inputFile: string) => Promise<string>,
    pid: number,
  ) => Promise<T>,
): Promise<T> {
  const holder = spawn('unshare', ['--net', 'sleep', String(LIFETIME)], {
    stdio: 'ignore',
    env: { ...commandEnvironment },
  })
  const failed = new Promise<never>((_, reject) => {
    holder.once('error', (error) => reject(new HostError(`unshare could not be run: ${error.message}.`)))
  })
  try {
    await Promise.race([entered(holder), failed])
    const inside = ['--target', String(holder.pid), '--net']
    const exec = (file: string, args: readonly string[], inputFile: string) =>
      runCommand('nsenter', [...inside, file, ...args], { inputFile, maxOutput: MAX_LISTING })
    return await work(exec, holder.pid ?? 0)
  } finally {
    holder.kill('SIGKILL')
  }
}

/** Waits until the process has left this process's namespace. */
async function entered(holder: ChildProcess): Promise<void> {
  const own = await readlink('/proc/self/ns/net')
  const deadline = Date.now() + 5000
  while (Date.now() < deadline) {
    const theirs = await readlink(`/proc/${holder.pid}/ns/net`).catch(() => own)
    if (theirs !== own) return
    await delay(2)
  }
  throw new HostError('A scratch network namespace was not made within 5 s.')
}
