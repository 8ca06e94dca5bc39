import { describe, expect, test } from 'vitest'
import { settingsOf } from './shipped.ts'

/** The guide's example request, as it is. */
const GUIDE_CONFIG =
  '{"Jupyter_Notebook_Enabled":"True","Jupyter_Notebook_Token":"token1","Jupyter_Notebook_Hostname":"notebook.firmuscloud.co","Jupyter_Notebook_Nginx_Port":"443","Route_53_DNS":"True","Jupyter_Notebook_Image":"jupyter/minimal-notebook:latest"}'

const notebook = (config: object | string, certificate = 'True') =>
  settingsOf('vmaas-notebook', [
    { name: 'Jupyter Notebook Config', value: typeof config === 'string' ? config : JSON.stringify(config) },
    { name: 'Certificate Handling', value: certificate },
  ])

test('the guide’s example, as it is', () => {
  expect(notebook(GUIDE_CONFIG)).toMatchInlineSnapshot(`
    {
      "arguments": [
        "start-notebook.sh",
        "--ip=127.0.0.1",
        "--port=8888",
        "--no-browser",
        "--ServerApp.port_retries=0",
        "--NotebookApp.port_retries=0",
        "--ServerApp.allow_remote_access=True",
        "--NotebookApp.allow_remote_access=True",
        "--ServerApp.trust_xheaders=True",
        "--NotebookApp.trust_xheaders=True",
      ],
      "containerPort": 8888,
      "enabled": true,
      "environment": {},
      "files": [],
      "generated": {},
      "gpus": false,
      "health": {
        "path": "/api",
        "statuses": [
          200,
        ],
        "timeoutSeconds": 600,
      },
      "hostname": "notebook.firmuscloud.co",
      "image": "docker.io/jupyter/minimal-notebook:latest",
      "outputs": [
        {
          "key": "Host Name",
          "kind": "url",
          "path": "/",
          "secret": false,
        },
        {
          "key": "Token",
          "kind": "text",
          "secret": true,
          "value": "token1",
        },
      ],
      "port": 443,
      "secretEnvironment": {
        "JUPYTER_TOKEN": "token1",
      },
      "secrets": [
        "token1",
      ],
      "tls": true,
      "volumes": [
        {
          "name": "work",
          "path": "/home/jovyan/work",
        },
      ],
    }
  `)
})

test('no configuration at all: the profile’s image, and a token is made up', () => {
  const settings = settingsOf('vmaas-notebook', [])
  expect(settings).toMatchObject({
    enabled: true,
    image: 'docker.io/jupyter/minimal-notebook:latest',
    port: 443,
    tls: true,
    secretEnvironment: { JUPYTER_TOKEN: 'made-Jupyter_Notebook_Token' },
    generated: { Jupyter_Notebook_Token: 'made-Jupyter_Notebook_Token' },
  })
})

test.each([443, '443', ' 443 '])('the port %j may be a number or text', (port) => {
  expect(notebook({ Jupyter_Notebook_Nginx_Port: port }).port).toBe(443)
})

test.each(['', null])('%j is as good as absent', (value) => {
  const settings = notebook({
    Jupyter_Notebook_Nginx_Port: value,
    Jupyter_Notebook_Token: value,
    Jupyter_Notebook_Hostname: value,
    Jupyter_Notebook_Image: value,
    Jupyter_Notebook_Enabled: value,
  })
  expect(settings).toEqual(settingsOf('vmaas-notebook', []))
})

test.each(['False', 'false', false, 'FALSE'])('%j leaves the notebook out, and makes nothing up', (value) => {
  expect(notebook({ Jupyter_Notebook_Enabled: value })).toMatchObject({
    enabled: false,
    outputs: [],
    generated: {},
  })
})

test('plain HTTP answers on 80 unless told otherwise', () => {
  expect(notebook({}, 'False')).toMatchObject({ tls: false, port: 80 })
  expect(notebook({ Jupyter_Notebook_Nginx_Port: 9000 }, 'false')).toMatchObject({ tls: false, port: 9000 })
})

test('the application makes room when the user wants its port', () => {
  const settings = notebook({ Jupyter_Notebook_Nginx_Port: 8888 })
  expect(settings).toMatchObject({ port: 8888, containerPort: 8889 })
  expect(settings.arguments).toContain('--port=8889')
})

test('a token reaches no argument and no open environment', () => {
  const settings = notebook({ Jupyter_Notebook_Token: 'planted' })
  const { secretEnvironment, outputs, secrets, ...rest } = settings
  expect(secretEnvironment).toEqual({ JUPYTER_TOKEN: 'planted' })
  expect(secrets).toEqual(['planted'])
  expect(outputs).toContainEqual({ key: 'Token', kind: 'text', value: 'planted', secret: true })
  expect(JSON.stringify(rest)).not.toContain('planted')
})

describe('refused, naming variable and member', () => {
  const port = 'Jupyter_Notebook_Nginx_Port'
  test.each([
    ['{not json', 'Jupyter Notebook Config', 'must be JSON text'],
    ['[]', 'Jupyter Notebook Config', 'must be a JSON object'],
    ['"text"', 'Jupyter Notebook Config', 'must be a JSON object'],
    [{ [port]: 0 }, `Jupyter Notebook Config.${port}`, 'a whole number from 1 to 65535; got "0"'],
    [{ [port]: 70_000 }, `Jupyter Notebook Config.${port}`, 'from 1 to 65535'],
    [{ [port]: 443.5 }, `Jupyter Notebook Config.${port}`, 'a whole number'],
    [{ [port]: [443] }, `Jupyter Notebook Config.${port}`, 'a whole number'],
    [{ [port]: 22 }, `Jupyter Notebook Config.${port}`, 'SSH server'],
    [
      { Jupyter_Notebook_Hostname: 'a.example\nserver { }' },
      'Jupyter Notebook Config.Jupyter_Notebook_Hostname',
      'one line',
    ],
    [
      { Jupyter_Notebook_Hostname: 'not a host' },
      'Jupyter Notebook Config.Jupyter_Notebook_Hostname',
      'must be a host name',
    ],
    [
      { Jupyter_Notebook_Image: 'x; rm -rf /' },
      'Jupyter Notebook Config.Jupyter_Notebook_Image',
      'the image holds a character',
    ],
    [{ Jupyter_Notebook_Image: 7 }, 'Jupyter Notebook Config.Jupyter_Notebook_Image', 'must be text'],
    [{ Jupyter_Notebook_Token: 'a\nB=c' }, 'Jupyter Notebook Config.Jupyter_Notebook_Token', 'one line'],
    [
      { Jupyter_Notebook_Enabled: 'maybe' },
      'Jupyter Notebook Config.Jupyter_Notebook_Enabled',
      'one of True, False; got "maybe"',
    ],
    [
      { jupyter_notebook_token: 'x' },
      'Jupyter Notebook Config.jupyter_notebook_token',
      'it is written Jupyter_Notebook_Token',
    ],
  ])('%j', (config, field, problem) => {
    expect(() => notebook(config)).toThrow(
      expect.objectContaining({
        reason: 'BadRequest',
        field,
        message: expect.stringContaining(problem) as string,
      }) as Error,
    )
  })

  test('a certificate that is neither True nor False', () => {
    expect(() => notebook({}, 'perhaps')).toThrow('Certificate Handling: must be "True" or "False"')
  })
})
