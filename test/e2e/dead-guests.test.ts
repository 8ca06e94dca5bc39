import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Store } from '../../packages/server/src/store/store.ts'
import { INSTANCES } from '../support/api-client.ts'
import { httpStatusAt } from '../support/http-status.ts'
import { RealServer } from '../support/real-server.ts'
import { tempDir } from '../support/temp-dir.ts'
import { networkedBody, TINY_PROFILE } from '../support/tiny-profile.ts'
import { makeTinyVariant } from '../support/tiny-variant.ts'
import { waitFor } from '../support/wait-for.ts'

// Guests whose process runs and in which nothing does, or which nobody reaches: status never calls them well. The
// guests are tiny ones whose web server does to them what a user, or a defect, would.

const DEEDS = {
  halt: 'busybox halt -f',
  // The image has kernels restart after a panic.
  panic: 'echo 0 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger',
  // As an image without the driver that tells of a panic, or a machine that was started without the device.
  'panic-untold': 'busybox rmmod pvpanic_pci; echo 0 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger',
  // Of what would answer, nothing is left.
  hang: 'busybox killall acpid; for card in /sys/class/net/*; do ip link set "${card##*/}" down; done; rm /lib/ready; rm -r /dev/virtio-ports; for shell in $(busybox pidof sh); do [ "$shell" = 1 ] || [ "$shell" = $$ ] || busybox kill -9 "$shell"; done',
}
const NAMES = ['well', 'hung', 'unreached', 'halting']
let server: RealServer

beforeAll(async () => {
  const cache = await tempDir()
  await makeTinyVariant(cache, 'tiny-deeds', (init) => [
    { path: 'init', content: init.replace('\nnetwork\n', '\n[ "$name" = unreached ] || network\n') },
    {
      path: 'etc/acpi/PWRF/00000080',
      content:
        '#!/bin/sh\nexport PATH=/bin\n[ "$(hostname)" = halting ] && busybox halt -f\nsync\npoweroff -f\n',
    },
    ...Object.entries(DEEDS).map(([deed, script]) => ({
      path: `www/cgi-bin/${deed}`,
      content: `#!/bin/sh\nexport PATH=/bin\n(sleep 1; ${script}) > /dev/null 2>&1 &\nprintf 'Content-Type: text/plain\\r\\n\\r\\ndone\\n'\n`,
    })),
  ])
  server = await RealServer.start(await tempDir(), { BERTH_CACHE: cache })
  const profile = { ...TINY_PROFILE, spec: { ...TINY_PROFILE.spec, guestImage: 'tiny-deeds' } }
  await server.api.call('POST', 'computeprofiles', profile)
  for (const name of NAMES) {
    const body = networkedBody(name, { forwards: [{ source: 'any', internal_port: 80 }] })
    await server.api.call('POST', `${INSTANCES}?auto-publish=true`, body)
  }
  for (const name of ['well', 'hung']) await server.api.waitForStatus(name, 'success', 90)
  await demand('hung', 'hang')
})
afterAll(() => server.clean())

const statusOf = async (name: string) => (await server.api.instance(name)).status
const processesOf = async (name: string) => {
  const { id } = (await server.api.instance(name)).metadata
  return (await server.census()).filter(({ kind, owner }) => kind === 'process' && owner === id)
}

/** Where the guest's web server is reached. */
async function placeOf(name: string): Promise<string> {
  const output = (await statusOf(name)).output['vm']?.tasks['guest'] ?? {}
  return /127\.0\.0\.1:\d+/.exec(output['Port Forwards'] ?? '')?.[0] ?? ''
}

async function demand(name: string, deed: keyof typeof DEEDS): Promise<void> {
  expect(await httpStatusAt(`http://${await placeOf(name)}/cgi-bin/${deed}`), deed).toBe(200)
}

const isUp = (name: string) =>
  waitFor(async () => (await httpStatusAt(`http://${await placeOf(name)}/cgi-bin/index.cgi`)) === 200, {
    deadlineSeconds: 90,
    what: `${name} to serve`,
  })

/** The messages of an instance's events of a type. */
async function events(name: string, type: string): Promise<string[]> {
  const store = await Store.openExisting(join(server.state, 'berth.db'))
  const found = await store.db
    .selectFrom('events')
    .select('message')
    .where('object_name', '=', name)
    .where('type', '=', type)
    .orderBy('sequence')
    .execute()
  await store.close()
  return found.map(({ message }) => message)
}

test.each([
  ['halt', 'The guest was halted without being powered off'],
  ['panic', 'The guest’s kernel panicked: sysrq triggered crash'],
  ['panic-untold', 'The guest’s kernel panicked: sysrq triggered crash'],
] as const)(
  'a guest that ends by a %s is not called running: it is told and started again',
  async (deed, what) => {
    const { length } = await events('well', 'stopped')
    const [before] = await processesOf('well')
    await demand('well', deed)
    await waitFor(async () => (await events('well', 'stopped')).length > length, {
      deadlineSeconds: 40,
      what: `an event after the ${deed}`,
    })
    const told = (await events('well', 'stopped')).at(-1)
    expect(told).toMatch(new RegExp(`^${what} \\(seen at \\d\\d:\\d\\d:\\d\\d UTC\\); starting it again\\.$`))
    await server.api.waitForStatus('well', 'success', 90)
    await isUp('well')
    expect(await processesOf('well')).not.toEqual([before])
  },
)

test('a guest that halts when it is to shut down is stopped at once, and nothing of it goes on', async () => {
  await server.api.waitForStatus('halting', 'success', 90)
  expect((await server.api.call('POST', `${INSTANCES}/halting/action/stop`)).status).toBe(200)
  // One that might still go down by itself has 90 seconds.
  expect((await server.api.waitForStatus('halting', 'success', 60)).status.powerState).toBe('stopped')
  expect(await processesOf('halting')).toEqual([])
})

test('a guest that does not know its address has failed, for that reason', async () => {
  const { status, reason, powerState, actions } = (await server.api.waitForStatus('unreached', 'failed', 120))
    .status
  expect({ status, powerState, actions }).toEqual({
    status: 'failed',
    powerState: 'running',
    actions: ['stop'],
  })
  expect(reason).toMatch(/^The guest is up, but does not answer at its address 10\.\d+\.\d+\.\d+ \(ARP\)/)
})

test('a guest without SSH runs, and is said to have none', async () => {
  await waitFor(async () => /SSH does not answer/.test((await statusOf('well')).reason), {
    deadlineSeconds: 60,
    what: 'a word on SSH',
  })
  expect(await statusOf('well')).toMatchObject({
    status: 'success',
    reason: 'Running. SSH does not answer: the guest refuses connections to port 22.',
  })
})

test('a guest in which nothing answers any more is said so, with since when, and is stopped soon', async () => {
  await waitFor(async () => (await events('hung', 'guest-silent')).length > 0, {
    deadlineSeconds: 120,
    what: 'an event',
  })
  expect((await statusOf('hung')).reason).toMatch(
    /^Running, but the guest has not answered since \d{4}-\d\d-\d\d \d\d:\d\d UTC, nor does its network\./,
  )
  await server.stop()
  await server.start()
  await server.api.call('POST', `${INSTANCES}/hung/action/stop`)
  expect((await server.api.waitForStatus('hung', 'success', 60)).status.powerState).toBe('stopped')
  expect(await events('hung', 'guest-silent')).toHaveLength(1)
})
