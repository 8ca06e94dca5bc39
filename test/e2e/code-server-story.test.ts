import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '@berth/contract/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceBody } from '../support/api-client.ts'
import { ServiceStory } from '../support/service-story.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

// A kind of service that is one catalogue file and no code, and what users see of applications that do not start. One
// Debian guest carries the whole story, so each test goes on where the one before it ended.

const CATALOGUE = join(import.meta.dirname, '../../packages/server/catalogue/code-server.json')
const SHORT_SECONDS = 15
/** An application that ends more often within an hour, other than in good order, has failed. */
const CRASHES_ALLOWED = 3

let story: ServiceStory
let url: string

beforeAll(async () => {
  story = await ServiceStory.begin(await tempDir())
})
afterAll(() => story.end())

function editor(config: object, profile = 'code-server') {
  return serviceBody('editor', [{ name: 'Code Server Config', value: JSON.stringify(config) }], profile)
}

/**
 * The catalogue's profile with one more member, which the stand-in takes for a way to fail; `unstartable` lays a file
 * that is no program over the one that the image's entry point names.
 */
async function applyFailing(
  failure: 'crash' | 'silence' | 'leave' | 'unstartable',
  timeoutSeconds: number,
  more: { readonly environment?: object; readonly volumes?: readonly object[]; readonly files?: object } = {},
): Promise<void> {
  const profile = JSON.parse(readFileSync(CATALOGUE, 'utf8'))
  const config = profile.spec.variables.find(({ name }: { name: string }) => name === 'Code Server Config')
  config.options.schema.jsonschema.properties.Failure = { type: 'string' }
  profile.metadata = { name: failure }
  profile.spec.systemCatalog = false
  const { application } = profile.spec
  application.environment = { STAND_IN_FAILURE: { member: 'Failure' }, ...more.environment }
  application.volumes = [...application.volumes, ...(more.volumes ?? [])]
  application.files = more.files
  application.health.timeoutSeconds = timeoutSeconds
  if (failure === 'unstartable') {
    application.files = [{ path: '/usr/bin/python3.11', content: 'no program' }]
  }
  expect((await story.api.call('POST', 'serviceprofiles', profile)).status).toBe(200)
  const body = editor({ Failure: failure }, failure)
  await story.apply({
    ...body,
    spec: { ...body.spec, serviceProfile: { name: failure, systemCatalog: false } },
  })
}

async function logIn(password: string): Promise<number> {
  const body = new URLSearchParams({ password })
  return (await fetch(new URL('/login', url), { method: 'POST', body, redirect: 'manual' })).status
}

function passwordOf(service: Service): string {
  return story.output(service)['Code Server Password']?.value ?? ''
}

test('an image that does not exist fails with the registry’s word, before any guest boots', async () => {
  await story.apply(
    serviceBody(
      'nowhere',
      [{ name: 'Code Server Config', value: JSON.stringify({ Code_Server_Image: 'acme/nothing:1' }) }],
      'code-server',
    ),
  )
  const { status } = await story.publishInVain('nowhere')
  expect(status.reason).toContain('docker.io/acme/nothing:1')
  expect(status.steps.at(-1)).toMatchObject({ name: 'Fetch container image', state: 'failed' })
  await story.delete('nowhere')
})

test('the third kind of service answers, with a password that was made up', async () => {
  await story.apply(editor({}))
  const service = await story.publish('editor')
  url = story.output(service)['Host Name']?.value ?? ''
  expect(passwordOf(service)).toMatch(/^[A-Za-z0-9]{20,}$/)
  expect(await logIn(passwordOf(service))).toBe(302)
  expect(await logIn('wrong')).toBe(200)
})

test('an application that crashes at once fails with its last words', async () => {
  await applyFailing('crash', 300)
  const { status } = await story.publishInVain('editor')
  expect(status.reason).toMatch(
    /^The application does not stay up\. It ended with status 1, 4 times within an hour\. Its last words: .*the workspace index is corrupt/,
  )
  expect(status).toMatchObject({ powerState: 'running', actions: ['start', 'stop'] })
})

test('one whose container cannot be started fails with the reason that its engine gives', async () => {
  await applyFailing('unstartable', 300)
  const { status } = await story.publishInVain('editor')
  expect(status.reason).toMatch(/Its container could not be started: .*ermission denied/)
  expect(status.powerState).toBe('running')
})

test('one that never answers fails once its time is over, and says how long that was', async () => {
  await applyFailing('silence', SHORT_SECONDS)
  const { status } = await story.publishInVain('editor')
  expect(status.reason).toContain(`did not answer within ${SHORT_SECONDS} seconds`)
})

test('corrected and published again, it answers on the same guest', async () => {
  await story.apply(editor({ Code_Server_Password: 'open sesame' }))
  await story.publish('editor')
  expect(await logIn('open sesame')).toBe(302)
})

test('one that is ended in good order is started again, as often as its user likes', async () => {
  const written = '/srv/extensions'
  const config = '/home/coder/.config/code-server'
  await applyFailing('leave', 300, {
    environment: { STAND_IN_WRITES: `${written}:${config}` },
    volumes: [{ name: 'extensions', path: written }],
    files: [{ path: `${config}/config.yaml`, content: 'auth: password' }],
  })
  // It writes to a volume that its image has no directory for, and beside a file that it was given.
  url = story.output(await story.publish('editor'))['Host Name']?.value ?? ''
  const lives = new Set<number>()
  await waitFor(
    async () => {
      const answer = await fetch(new URL('/healthz', url))
      if (answer.ok) lives.add(((await answer.json()) as { lastHeartbeat: number }).lastHeartbeat)
      return lives.size > CRASHES_ALLOWED + 1
    },
    { deadlineSeconds: 300, what: 'the application to be there again and again', intervalMs: 500 },
  )
  const { body } = await story.api.call('GET', 'workspaces/default/services/editor')
  expect((body as Service).status.status).toBe('success')
})

test('behind a port forward, plain HTTP is shown the way by the forward’s own port', async () => {
  const forwards = [{ source: 'any', internal_port: 443 }]
  const body = editor({ Code_Server_Password: 'open sesame' })
  const reach = [
    { name: 'Assign Public IP to Guest', value: 'False' },
    { name: 'Port Forwards', value: JSON.stringify(forwards) },
  ]
  await story.apply({
    ...body,
    spec: { ...body.spec, variables: [...(body.spec.variables ?? []), ...reach] },
  })
  const place = new URL(story.output(await story.publish('editor'))['Host Name']?.value ?? '')
  expect(place.port).toMatch(/^3\d{4}$/)
  const plain = await fetch(`http://${place.host}/login?a=b`, { redirect: 'manual' })
  expect(plain.status).toBe(308)
  expect(plain.headers.get('location')).toBe(`https://${place.host}/login?a=b`)
  url = place.href
  expect(await logIn('open sesame')).toBe(302)
})

test('switched off, the machine runs without it, and the reason says so', async () => {
  await story.apply(editor({ Code_Server_Enabled: 'False' }))
  const { status } = await story.publish('editor')
  expect(status).toMatchObject({ powerState: 'running', reason: expect.stringContaining('switched off') })
  await expect(fetch(url)).rejects.toThrow()
})

test('deleted, nothing of it stays', async () => {
  await story.delete('editor')
  expect(await story.server.census()).toEqual([])
})
