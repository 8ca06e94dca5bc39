import { once } from 'node:events'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import type { Service } from '@berth/contract/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GuestSsh } from '../support/guest-ssh.ts'
import { evaluate } from '../support/notebook-kernel.ts'
import { placesOf } from '../support/planted-secret.ts'
import { serviceBody } from '../support/api-client.ts'
import { ServiceStory } from '../support/service-story.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

// One Debian guest carries the whole story, so each test goes on where the one before it ended.

const TOKEN = 'planted-secret-token1'
const NEW_TOKEN = 'planted-secret-token2'
const PASSWORD = 'planted-secret-password'
const UNIT = '/etc/systemd/system/berth-application.service'

let story: ServiceStory
let url: string
let directory: string

beforeAll(async () => {
  directory = await tempDir()
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
      { name: 'Guest Password', value: PASSWORD },
    ],
    'vmaas-notebook',
  )
}

/** Writes where the application itself puts things: a notebook by two clicks, a file, and what pip adds for a user. */
async function work(token: string): Promise<void> {
  const headers = { authorization: `token ${token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ type: 'notebook' })
  const made = await fetch(new URL('/api/contents', url), { method: 'POST', headers, body })
  expect(await made.json()).toMatchObject({ path: 'Untitled.ipynb' })
  const places = 'import os, site; packages = site.getusersitepackages(); os.makedirs(packages)'
  const module = `open(packages + '/kept_module.py', 'w').write('answer = 42')`
  await evaluate(url, token, `${places}; ${module}; open('file', 'w').write('kept'); 1`)
}

/** Finds all of it again. */
async function findWork(token: string): Promise<void> {
  expect(
    await evaluate(url, token, `import kept_module; print(open('file').read(), kept_module.answer)`),
  ).toBe('kept 42\n')
  const headers = { authorization: `token ${token}` }
  expect((await fetch(new URL('/api/contents/Untitled.ipynb', url), { headers })).status).toBe(200)
}

/** What the button of that name does. */
async function quit(token: string): Promise<void> {
  const headers = { authorization: `token ${token}` }
  expect((await fetch(new URL('/api/shutdown', url), { method: 'POST', headers })).status).toBe(200)
  await waitFor(async () => !(await contents(token)).ok, { deadlineSeconds: 60, what: 'the notebook to end' })
  await waitFor(async () => (await contents(token)).ok, {
    deadlineSeconds: 300,
    what: 'the notebook to be there again',
    intervalMs: 500,
  })
}

/** Makes the guest what a server set up that kept no home: its unit, and a container without a volume for it. */
async function asEarlierVersion(): Promise<void> {
  const read = 'words = json.load(open("/etc/berth/application/command.json"))'
  const start = `/usr/bin/python3 -c 'import json, os; ${read}; os.execv(words[0], words)'`
  await inGuest(`systemctl stop berth-application
python3 - <<'END'
import re
text = open('${UNIT}').read()
text = re.sub('ExecStart=.*', lambda _: ${JSON.stringify(`ExecStart=${start}`)}, text)
open('${UNIT}', 'w').write(re.sub('ExecStopPost=.*', '', text))
END
rm -rf /etc/berth/run-application.py /var/lib/containers/storage/berth-owners
podman volume rm berth.home
systemctl daemon-reload
systemctl start --no-block berth-application`)
}

/** Runs a script in the guest as root. */
async function inGuest(script: string): Promise<string> {
  const { body } = await story.api.call('GET', 'workspaces/default/services/notebook')
  const command = story.output(body as Service)['SSH Command']?.value ?? ''
  const [user, host] = command.replace('ssh ', '').split('@')
  const guest = { ServerHost: host, Port: '22', Username: user }
  const ssh = new GuestSsh({ status: { output: { vm: { tasks: { guest } } } } } as never, directory)
  const encoded = Buffer.from(script).toString('base64')
  return ssh.withPassword(PASSWORD, `echo ${encoded} | base64 --decode | sudo sh -e`)
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
  await findWork(NEW_TOKEN)
})

test('stopped and started, it has the files of its user', async () => {
  await story.act('notebook', 'stop')
  await expect(contents(NEW_TOKEN)).rejects.toThrow()
  await story.act('notebook', 'start')
  await findWork(NEW_TOKEN)
})

test('a guest of an earlier version is brought over without loss, while its application goes on', async () => {
  await asEarlierVersion()
  await waitFor(async () => (await contents(NEW_TOKEN)).ok, {
    deadlineSeconds: 300,
    what: 'the notebook of an earlier version',
    intervalMs: 500,
  })
  await work(NEW_TOKEN)
  await story.server.stop()
  await story.server.start()
  await waitFor(async () => (await inGuest(`cat ${UNIT}`)).includes('run-application.py'), {
    deadlineSeconds: 120,
    what: 'the guest to be brought over',
    intervalMs: 1000,
  })
  // Nothing was started again, and what is written until it is stays too.
  expect(await evaluate(url, NEW_TOKEN, `open('later', 'w').write('too')`)).toBe('3')
  await quit(NEW_TOKEN)
  await findWork(NEW_TOKEN)
  expect(await evaluate(url, NEW_TOKEN, `open('later').read()`)).toBe(`'too'`)
})

test('its secrets lie open nowhere on the host', async () => {
  expect(await placesOf('planted-secret', story.server.state)).toEqual([])
})

test('deleted, nothing of it stays', async () => {
  await story.delete('notebook')
  expect(await story.server.census()).toEqual([])
})
