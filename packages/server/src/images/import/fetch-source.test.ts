import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { fetchSource, type FetchOptions } from './fetch-source.ts'

const bytes = Buffer.alloc(100_000, 'image')
const sha256 = createHash('sha256').update(bytes).digest('hex')
let folder: string
let count = 0

beforeEach(async () => {
  folder = await tempDir()
})

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function take(source: string, options: Partial<FetchOptions> = {}): Promise<Buffer> {
  const target = join(folder, `copy-${count++}`)
  const limits = { maxBytes: 2 ** 20, timeoutSeconds: 20, allowPrivate: true, onBytes: () => {} }
  await fetchSource(source, target, { sha256, ...limits, ...options })
  return readFile(target)
}

test('a file is copied when it is what its sha256 says', async () => {
  const path = join(folder, 'source')
  await writeFile(path, bytes)
  const seen: [number, number | null][] = []
  expect(await take(path, { onBytes: (came, total) => seen.push([came, total]) })).toEqual(bytes)
  expect(seen.at(-1)).toEqual([bytes.length, bytes.length])
  await expect(take(path, { sha256: 'f'.repeat(64) })).rejects.toThrow(`its sha256 is ${sha256}`)
  await expect(take(path, { maxBytes: 1000 })).rejects.toThrow('--max-size')
  await expect(take(join(folder, 'absent'))).rejects.toThrow('ENOENT')
  await expect(take(folder)).rejects.toThrow('is not a file')
})

test('a download follows a redirect, within the limits of size and time', async () => {
  const origin = await serving((request, response) => {
    if (request.url === '/latest') response.writeHead(302, { location: '/disk' }).end()
    else if (request.url === '/disk') response.end(bytes)
    else if (request.url === '/endless') {
      const timer = setInterval(() => response.write('x'.repeat(1000)), 5)
      response.once('close', () => clearInterval(timer))
    } else if (request.url === '/short') {
      response.writeHead(200, { 'content-length': bytes.length + 1 })
      response.write(bytes, () => response.destroy())
    } else if (request.url === '/slow') response.write('x')
    else if (request.url === '/loop') response.writeHead(301, { location: '/loop' }).end()
    else if (request.url === '/file') response.writeHead(302, { location: 'file:///etc/passwd' }).end()
    else response.writeHead(404).end()
  })
  expect(await take(`${origin}/latest`)).toEqual(bytes)
  await expect(take(`${origin}/disk`, { allowPrivate: false })).rejects.toThrow('--allow-private')
  await expect(take(`${origin}/disk`, { maxBytes: 1000 })).rejects.toThrow('--max-size')
  await expect(take(`${origin}/endless`, { maxBytes: 20_000 })).rejects.toThrow('--max-size')
  await expect(take(`${origin}/slow`, { timeoutSeconds: 0.3 })).rejects.toThrow('did not arrive within 0.3 s')
  await expect(take(`${origin}/short`)).rejects.toThrow(/could not be copied|bytes of the image arrived/)
  await expect(take(`${origin}/loop`)).rejects.toThrow('more than 5 times')
  await expect(take(`${origin}/file`)).rejects.toThrow('not from file:')
  await expect(take(`${origin}/absent`)).rejects.toThrow('answered 404')
})
