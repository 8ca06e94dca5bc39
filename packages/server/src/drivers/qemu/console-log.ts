import { constants } from 'node:fs'
import { rename } from 'node:fs/promises'
import { guestText } from './guest-text.ts'
import { openPlainFile, type MachineFiles } from './machine-files.ts'
import type { QmpClient } from './qmp-client.ts'

/** Largest console log in bytes; past it the oldest part goes. */
const maxLog = 1 << 20

/** Bytes that are left after the oldest part went, so that not every append rewrites the file. */
const keptLog = (maxLog / 4) * 3

/** Bytes of the ring that one QMP reply carries; base64 keeps that below the limit of a reply. */
const ringChunk = 512 << 10

/** Longest text that a person is shown, in bytes. */
const maxTail = 64 << 10

/**
 * Moves what the guest wrote to its serial console out of QEMU's ring into the machine's console log.
 * Reading takes it from the ring, so a crash in between loses that piece of log and nothing else.
 */
export async function drainConsole(qmp: Pick<QmpClient, 'execute'>, files: MachineFiles): Promise<void> {
  // Two chunks make the whole ring; a guest that writes without end must not hold us.
  for (let chunk = 0; chunk < 3; chunk += 1) {
    const data = await readConsoleRing(qmp)
    if (data.length > 0) await appendCapped(files, data)
    if (data.length < ringChunk) return
  }
}

/** Takes at most 512 KiB from the console's ring. */
export async function readConsoleRing(qmp: Pick<QmpClient, 'execute'>): Promise<Buffer> {
  const args = { device: 'console', size: ringChunk, format: 'base64' }
  return Buffer.from(String(await qmp.execute('ringbuf-read', args)), 'base64')
}

/** Begins a machine's start in its console log. A guest that writes it hides only what it wrote before. */
const startMark = '--- berth: the machine starts'

/** Writes down in the console log that what follows is of another start. */
export async function markStart(files: MachineFiles): Promise<void> {
  await appendCapped(files, Buffer.from(`\n${startMark}, ${new Date().toISOString()} ---\n`))
}

/** The end of what was written since the last start, from the start of a line, with nothing that a terminal would obey. */
export async function readConsoleTail(files: MachineFiles): Promise<string> {
  const file = await openPlainFile(files.consoleLog, constants.O_RDONLY).catch(ignoreMissing)
  if (file === undefined) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(maxTail, size)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    const whole = size > length ? text.slice(text.indexOf('\n') + 1) : text
    const start = whole.lastIndexOf(startMark)
    return guestText(start < 0 ? whole : whole.slice(whole.indexOf('\n', start) + 1), maxTail)
  } finally {
    await file.close()
  }
}

async function appendCapped(files: MachineFiles, data: Buffer): Promise<void> {
  const { O_RDWR, O_APPEND, O_CREAT, O_TRUNC, O_WRONLY } = constants
  const file = await openPlainFile(files.consoleLog, O_RDWR | O_APPEND | O_CREAT)
  try {
    const { size } = await file.stat()
    if (size + data.length <= maxLog) {
      await file.writeFile(data)
      return
    }
    const kept = Math.max(0, Math.min(size, keptLog - data.length))
    const { buffer, bytesRead } = await file.read(Buffer.alloc(kept), 0, kept, size - kept)
    const temporary = `${files.consoleLog}.new`
    const next = await openPlainFile(temporary, O_WRONLY | O_CREAT | O_TRUNC)
    const content = Buffer.concat([buffer.subarray(0, bytesRead), data])
    await next.writeFile(content).finally(() => next.close())
    await rename(temporary, files.consoleLog)
  } finally {
    await file.close()
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
