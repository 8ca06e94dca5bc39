import { createServer, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentUnavailable } from '@berth/contract/host/agent-unavailable'
import { expect, onTestFinished, test } from 'vitest'
import { GuestAgents } from './guest-agents.ts'
import { machineFiles, type MachineFiles } from './machine-files.ts'
import type { MachineMonitor } from './machine-monitor.ts'

const ID = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'

interface Command {
  readonly execute: string
  readonly arguments: { readonly id?: number; readonly time?: number; readonly arg?: readonly string[] }
}

/** Answers nothing, not even whether it is there. */
const DEAF = () => undefined

/** A guest whose agent answers what `answer` says; one without a port where it is absent. */
async function guest(answer: ((command: Command) => unknown) | null) {
  const directory = mkdtempSync(join(tmpdir(), 'agents-'))
  const files: MachineFiles = { ...machineFiles(directory, ID), agent: join(directory, 'agent.sock') }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      for (const line of data.toString('latin1').replaceAll('\u00ff', '').split('\n').filter(Boolean)) {
        const command = JSON.parse(line) as Command
        const isSync = command.execute === 'guest-sync-delimited' && answer !== DEAF
        const value = isSync ? { return: command.arguments.id } : answer?.(command)
        const mark = command.execute === 'guest-sync-delimited' ? '\u00ff' : ''
        if (value !== undefined) socket.write(Buffer.from(`${mark}${JSON.stringify(value)}\n`, 'latin1'))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(files.agent, resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
    rmSync(directory, { recursive: true })
  })
  const monitor = { isPortOpen: async () => answer !== null } as unknown as MachineMonitor
  return { agents: new GuestAgents(monitor), files, sockets }
}

test('where nothing in the guest has the port open, nobody waits for an answer', async () => {
  const { agents, files, sockets } = await guest(null)
  expect(await agents.look(ID, files)).toEqual({ agent: 'absent' })
  await expect(agents.converse(ID, files, async () => {})).rejects.toThrow(AgentUnavailable)
  expect(sockets.size).toBe(0)
})

test('an agent that does not answer is told from one that is not there, and from one that tells nothing', async () => {
  const deaf = await guest(DEAF)
  expect(await deaf.agents.look(ID, deaf.files)).toEqual({ agent: 'silent' })
  const useless = await guest(() => ({ error: { class: 'GenericError', desc: 'no' } }))
  expect(await useless.agents.look(ID, useless.files)).toEqual({ agent: 'answering' })
})

test('the clock is read against the middle of the asking, and what is not told is left out', async () => {
  const { agents, files } = await guest(({ execute }) =>
    execute === 'guest-get-time'
      ? { return: (Date.now() - 5000) * 1e6 }
      : { error: { class: 'GenericError', desc: 'no' } },
  )
  const look = await agents.look(ID, files)
  expect(look).toEqual({ agent: 'answering', clockAheadMs: expect.any(Number) as number })
  expect(Math.abs((look.clockAheadMs ?? 0) + 5000)).toBeLessThan(400)
})

test('a clock that the agent cannot set is set by date, without a shell', async () => {
  const asked: Command[] = []
  const { agents, files } = await guest((command) => {
    asked.push(command)
    if (command.execute === 'guest-set-time') return { error: { class: 'GenericError', desc: 'unsupported' } }
    return { return: command.execute === 'guest-exec' ? { pid: 7 } : { exited: true, exitcode: 0 } }
  })
  await agents.setClock(ID, files)
  expect(asked.map(({ execute }) => execute)).toEqual(['guest-set-time', 'guest-exec', 'guest-exec-status'])
  expect(asked[1]?.arguments).toMatchObject({
    path: 'date',
    arg: ['-u', '-s', expect.stringMatching(/^@\d+(\.\d+)?$/)],
  })
})
