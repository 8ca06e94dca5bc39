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

function hold(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  return socket
}

test('out of file descriptors, the server refuses; with room again, all that it accepted is there', async () => {
  const state = await tempDir()
  const port = await freePort()
  const words = ['serve', '--driver', 'simulated', '--state', state, '--listen', `127.0.0.1:${port}`]
  const child = spawn('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', BERTH, ...words], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, {
    deadlineSeconds: 20,
    what: 'the server',
  })
  const api = new ApiClient(`http://127.0.0.1:${port}`, readFileSync(join(state, 'admin.key'), 'utf8').trim())
  expect((await api.call('POST', `${INSTANCES}?auto-publish=true`, instanceBody('before'))).status).toBe(200)

  const held = Array.from({ length: 100 }, () => hold(port))
  const during = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const answer = await api.call('POST', INSTANCES, instanceBody(`during-${index}`)).catch(() => null)
      return answer?.status === 200 ? `during-${index}` : null
    }),
  )
  for (const socket of held) socket.destroy()

  await api.waitForStatus('before', 'success', 20)
  await waitFor(async () => (await api.call('GET', INSTANCES)).status === 200, {
    deadlineSeconds: 20,
    what: 'an answer',
  })
  const accepted = during.filter((name) => name !== null)
  const found = await Promise.all(accepted.map((name) => api.call('GET', `${INSTANCES}/${name}`)))
  expect(found.map((answer) => answer.status)).toEqual(accepted.map(() => 200))
  expect((await api.call('POST', INSTANCES, instanceBody('after'))).status).toBe(200)
  expect(child.exitCode).toBeNull()
})
