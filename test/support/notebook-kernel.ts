import { randomUUID } from 'node:crypto'

/** What of a kernel's messages is read here (jupyter-client, "Messaging in Jupyter"). */
interface KernelMessage {
  readonly msg_type?: string
  readonly parent_header: { readonly msg_id?: string }
  readonly content: {
    readonly data?: Readonly<Record<string, string>>
    readonly text?: string
    readonly ename?: string
    readonly evalue?: string
  }
}

const DEADLINE_MS = 120_000

/**
 * Starts a kernel of a notebook server and lets it evaluate code, as its page in a browser does.
 * @param url of the server, such as `https://127.64.0.7`
 * @returns the text of the result, or what was printed
 * @throws Error with the kernel's own error, or when nothing came
 */
export async function evaluate(url: string, token: string, code: string): Promise<string> {
  const headers = { authorization: `token ${token}` }
  const started = await fetch(new URL('/api/kernels', url), { method: 'POST', headers })
  if (started.status !== 201) throw new Error(`No kernel: ${started.status} ${await started.text()}`)
  const { id } = (await started.json()) as { id: string }
  const channels = new URL(`/api/kernels/${id}/channels?token=${encodeURIComponent(token)}`, url)
  channels.protocol = channels.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(channels)
  const timer = setTimeout(() => socket.close(), DEADLINE_MS)
  try {
    return await answer(socket, code)
  } finally {
    clearTimeout(timer)
    socket.close()
    await fetch(new URL(`/api/kernels/${id}`, url), { method: 'DELETE', headers })
  }
}

function answer(socket: WebSocket, code: string): Promise<string> {
  const request = executeRequest(code)
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => socket.send(JSON.stringify(request)))
    socket.addEventListener('error', () => reject(new Error('The websocket to the kernel failed.')))
    socket.addEventListener('close', () => reject(new Error('The kernel said nothing.')))
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as KernelMessage
      if (message.parent_header.msg_id !== request.header.msg_id) return
      const { data: result, text, ename, evalue } = message.content
      if (message.msg_type === 'execute_result') resolve(result?.['text/plain'] ?? '')
      if (message.msg_type === 'stream') resolve(text ?? '')
      if (message.msg_type === 'error') reject(new Error(`${ename}: ${evalue}`))
    })
  })
}

function executeRequest(code: string) {
  const header = {
    msg_id: randomUUID(),
    session: randomUUID(),
    username: 'test',
    msg_type: 'execute_request',
    version: '5.3',
  }
  const content = {
    code,
    silent: false,
    store_history: false,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: true,
  }
  return { channel: 'shell', header, parent_header: {}, metadata: {}, content }
}
