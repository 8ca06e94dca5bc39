import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ApiClient, INSTANCES, instanceBody } from '../support/api-client.ts'
import { freePort } from '../support/free-port.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

const BERTH = join(import.meta.dirname, '../../bin/berth')

/** How many files the server may have open; a start needs some forty. */
const DESCRIPTORS = 64

/** Connects until the server has no descriptor left to answer with. */
async function exhaust(port: number): Promise<Socket[]> {
  let refused = 0
  const held = Array.from({ length: 2 * DESCRIPTORS }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => (refused += 1))
    return socket
  })
  await waitFor(() => refused >= DESCRIPTORS, {
    deadlineSeconds: 20,
    what: 'the server to refuse connections',
  })
  return held
}

test(
  'out of file descriptors, the server refuses; with room again, all that it accepted is done',
  { timeout: 120_000 },
  async () => {
    const state = await tempDir()
    const port = await freePort()
    const words = ['serve', '--driver', 'simulated', '--state', state, '--listen', `127.0.0.1:${port}`]
    const limited = ['-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh', BERTH, ...words]
    const child = spawn('sh', limited, { stdio: 'ignore' })
    onTestFinished(() => void child.kill('SIGKILL'))
    await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, {
      deadlineSeconds: 20,
      what: 'the server',
    })
    const api = new ApiClient(
      `http://127.0.0.1:${port}`,
      readFileSync(join(state, 'admin.key'), 'utf8').trim(),
    )
    const publish = async (name: string) =>
      (await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody(name))).status
    expect(await publish('before')).toBe(200)
    await api.waitForStatus('before', 'success', 20)

    // Connections that the server has accepted by now go on: some requests get through, those that need another do not.
    await Promise.all(Array.from({ length: 3 }, () => api.call('GET', INSTANCES)))
    const held = await exhaust(port)
    const names = Array.from({ length: 20 }, (_, index) => `during-${index}`)
    const answers = await Promise.all(names.map((name) => publish(name).catch(() => null)))
    const accepted = names.filter((_, index) => answers[index] === 200)
    expect(answers).toContain(null)
    expect(accepted).not.toEqual([])

    // What the server cannot look at is neither gone nor stopped, and the reason says what is the matter.
    for (const name of ['before', ...accepted]) {
      await waitFor(
        async () => (await api.instance(name)).status.reason.includes('no file descriptors left'),
        {
          deadlineSeconds: 20,
          what: `the reason of ${name}`,
        },
      )
      expect((await api.instance(name)).status.status).not.toBe('failed')
    }
    for (const socket of held) socket.destroy()

    for (const name of ['before', ...accepted]) {
      const { status } = await api.waitForStatus(name, 'success', 30)
      expect(status.powerState).toBe('running')
    }
    expect(await publish('after')).toBe(200)
    expect(child.exitCode).toBeNull()
  },
)
