import { once } from 'node:events'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate } from '../support/notebook-kernel.ts'
import { placesOf } from '../support/planted-secret.ts'
import { serviceBody } from '../support/api-client.ts'
import { ServiceStory } from '../support/service-story.ts'
import { tempDir } from '../support/temp-dir.ts'

// One Debian guest carries the whole story, so each test goes on where the one before it ended.

const TOKEN = 'planted-secret-token1'
const NEW_TOKEN = 'planted-secret-token2'

let story: ServiceStory
let url: string

beforeAll(async () => {
  story = await ServiceStory.begin(await tempDir())
})
afterAll(() => story.end())

/** The guide's example, with the names of this place. */
function notebook(token: string, port: string) {
  const config = {
    Jupyter_Notebook_Enabled: 'True',
    Jupyter_Notebook_Token: token,
    Jupyter_Notebook_Hostname: 'notebook.example.com',
    Jupyter_Notebook_Nginx_Port: port,
    Route_53_DNS: 'True',
    Jupyter_Notebook_Image: 'jupyter/minimal-notebook:latest',
  }
  const rules = [22, Number(port)].map((open) => ({
    source_cidr: 'any',
    action: 'allow',
    application: open === 22 ? 'ssh' : 'https',
    port: open,
    protocol: 'tcp',
  }))
  return serviceBody(
    'notebook',
    [
      { name: 'Jupyter Notebook Config', value: JSON.stringify(config) },
      { name: 'Certificate Handling', value: 'True' },
      { name: 'Firewall Rules', value: JSON.stringify(rules) },
      { name: 'Enable OTEL Collector', value: 'False' },
      { name: 'Port Forwards', value: '[]' },
      { name: 'Guest Password', value: 'planted-secret-password' },
    ],
    'vmaas-notebook',
  )
}

async function contents(token: string | null, at = url): Promise<Response> {
  const headers = token === null ? {} : { authorization: `token ${token}` }
  return fetch(new URL('/api/contents/work', at), { headers })
}

test('the guide’s example ends in success, with its address and its token', async () => {
  await story.apply(notebook(TOKEN, '443'), '?fail-on-exists=true')
  const service = await story.publish('notebook')
  expect(service.status).toMatchObject({ reason: 'Running.', powerState: 'running', actions: ['stop'] })
  expect(story.output(service)).toMatchObject({ Token: { value: TOKEN } })
  url = story.output(service)['Host Name']?.value ?? ''
  expect(url).toMatch(/^https:\/\/127\.64\.\d+\.\d+\/$/)
  expect(service.status.steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Fetch container image', 'Set up application', 'Start application']),
  )
  const listed = await story.api.call('GET', 'workspaces/default/services')
  expect(JSON.stringify(listed.body)).not.toContain('planted-secret')
})

test('who trusts the installation’s root opens it with the token, and nobody without', async () => {
  expect((await contents(TOKEN)).status).toBe(200)
  expect((await contents(null)).status).toBe(403)
  expect((await contents('wrong')).status).toBe(403)
})

test('it answers by HTTP/2 too', async () => {
  const session = connect(url)
  const request = session.request({ ':path': '/api/contents/work', authorization: `token ${TOKEN}` })
  const [headers] = (await once(request, 'response')) as [Record<string, unknown>]
  expect(headers[':status']).toBe(200)
  expect(JSON.parse(await text(request))).toMatchObject({ type: 'directory' })
  expect((session.socket as TLSSocket).alpnProtocol).toBe('h2')
  session.close()
})

test('a kernel evaluates 1+1 over the websocket', async () => {
  expect(await evaluate(url, TOKEN, '1+1')).toBe('2')
})

test('what its user makes is there after "Quit"', async () => {
  await work(TOKEN)
  await quit(TOKEN)
  await findWork(TOKEN)
  expect((await fetch(new URL('/api/contents/Untitled.ipynb', url))).status).toBe(403)
})

test('a changed token and port apply while it runs, the old ones end, and files stay', async () => {
  await story.apply(notebook(NEW_TOKEN, '8443'))
  const service = await story.publish('notebook')
  const before = url
  url = story.output(service)['Host Name']?.value ?? ''
  expect(new URL(url)).toMatchObject({ hostname: new URL(before).hostname, port: '8443' })
  expect((await contents(NEW_TOKEN)).status).toBe(200)
  expect((await contents(TOKEN)).status).toBe(403)
  await expect(contents(NEW_TOKEN, before)).rejects.toThrow()
})

test('stopped and started, it has the files of its work directory', async () => {
  const headers = { authorization: `token ${NEW_TOKEN}`, 'content-type': 'application/json' }
  const file = { type: 'file', format: 'text', content: 'kept' }
  const written = await fetch(new URL('/api/contents/work/kept.txt', url), {
    method: 'PUT',
    headers,
    body: JSON.stringify(file),
  })
  expect(written.status).toBe(201)
  await story.act('notebook', 'stop')
  await expect(contents(NEW_TOKEN)).rejects.toThrow()
  await story.act('notebook', 'start')
  const read = await fetch(new URL('/api/contents/work/kept.txt', url), { headers })
  expect(await read.json()).toMatchObject({ content: 'kept' })
})

test('its secrets lie open nowhere on the host', async () => {
  expect(await placesOf('planted-secret', story.server.state)).toEqual([])
})

test('deleted, nothing of it stays', async () => {
  await story.delete('notebook')
  expect(await story.server.census()).toEqual([])
})
