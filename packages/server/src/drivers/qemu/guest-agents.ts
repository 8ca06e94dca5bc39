import { AgentUnavailable } from '@berth/contract/host/agent-unavailable'
import { HostError } from '@berth/contract/host/host-error'
import { KeyedMutex } from '../../host/keyed-mutex.ts'
import type { GuestLook } from '../machine-driver.ts'
import { GuestAgentClient } from './guest-agent-client.ts'
import { lookInside } from './guest-look.ts'
import { guestText } from './guest-text.ts'
import type { MachineFiles } from './machine-files.ts'
import type { MachineMonitor } from './machine-monitor.ts'

/** Milliseconds that an agent has to begin to answer. */
const connectMs = 3000

/** Milliseconds that one has for a look, which is one of many things that a worker does. */
const lookConnectMs = 1500

/** Milliseconds to set a clock: the agent also writes the guest's hardware clock, at the turn of a second. */
const setClockMs = 5000

/** Talks to guests' agents, one conversation at a time for each: an agent serves one client. */
export class GuestAgents {
  readonly #monitor: MachineMonitor
  readonly #turns = new KeyedMutex()
  /** Machines whose agent is being asked to power off. */
  readonly #asked = new Set<string>()

  constructor(monitor: MachineMonitor) {
    this.#monitor = monitor
  }

  /** Runs `task` with the guest's agent. Throws an AgentUnavailable where none answers, or it refuses. */
  async converse<T>(
    id: string,
    files: MachineFiles,
    task: (agent: GuestAgentClient) => Promise<T>,
  ): Promise<T> {
    return await this.#turns.run(id, async () => {
      const agent = await this.#connect(id, files, connectMs)
      return await task(agent).finally(() => agent.close())
    })
  }

  /** Looks inside the guest, for at most some five seconds; an agent that does not answer is told, not thrown. */
  async look(id: string, files: MachineFiles): Promise<GuestLook> {
    return await this.#turns.run(id, async () => {
      try {
        const agent = await this.#connect(id, files, lookConnectMs)
        return { agent: 'answering', ...(await lookInside(agent).finally(() => agent.close())) }
      } catch (error) {
        const isAbsent = error instanceof AgentUnavailable && error.state === 'absent'
        return { agent: isAbsent ? 'absent' : 'silent' }
      }
    })
  }

  /**
   * Sets the guest's clock to the host's. Where the agent has no way to (it needs hwclock in the guest), date(1) does.
   * Throws a HostError when the guest has neither.
   */
  async setClock(id: string, files: MachineFiles): Promise<void> {
    await this.converse(
      id,
      files,
      async (agent) => await agent.execute('guest-set-time', { time: Date.now() * 1e6 }, setClockMs),
    ).catch(async () => {
      await this.converse(id, files, async (agent) => {
        const argv = ['date', '-u', '-s', `@${Date.now() / 1000}`]
        const { exitCode, stderr } = await agent.exec(argv, { timeoutMs: setClockMs })
        if (exitCode !== 0)
          throw new HostError(`The guest's clock cannot be set: ${guestText(stderr, 200).trim()}`)
      })
    })
  }

  /**
   * Has the agent power its guest off. Nobody waits for it, and who asked already does not ask again: what waited in
   * line would reach the next start of the guest.
   */
  askToPowerOff(id: string, files: MachineFiles): void {
    if (this.#asked.has(id)) return
    this.#asked.add(id)
    void this.#turns
      .run(id, async () => {
        const agent = await GuestAgentClient.connect(files.agent, 5000)
        await agent.shutDown(10_000).finally(() => agent.close())
      })
      .catch(() => {})
      .finally(() => this.#asked.delete(id))
  }

  async #connect(id: string, files: MachineFiles, timeoutMs: number): Promise<GuestAgentClient> {
    if (!(await this.#monitor.isPortOpen(id, files, 'agent'))) throw new AgentUnavailable('absent')
    try {
      return await GuestAgentClient.connect(files.agent, timeoutMs)
    } catch (error) {
      throw new AgentUnavailable('silent', error)
    }
  }
}
