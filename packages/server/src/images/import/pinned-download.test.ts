import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { download } from './pinned-download.ts'
import { isPublicAddress, type Resolver } from './public-address.ts'

const signal = AbortSignal.timeout(20_000)

test.each([
  ['93.184.216.34', true],
  ['2606:2800:220:1::1', true],
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['172.16.0.1', false],
  ['192.168.1.1', false],
  ['169.254.169.254', false],
  ['168.63.129.16', false],
  ['::ffff:168.63.129.16', false],
  ['198.18.0.1', false],
  ['192.0.0.192', false],
  ['100.64.0.1', false],
  ['224.0.0.1', false],
  ['0.0.0.0', false],
  ['255.255.255.255', false],
  ['240.0.0.1', false],
  ['::1', false],
  ['::', false],
  ['fe80::1', false],
  ['fd00::1', false],
  ['ff02::1', false],
  ['::ffff:127.0.0.1', false],
  ['64:ff9b::7f00:1', false],
  ['2002:7f00:1::', false],
])('%s is public: %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected)
})

test.each([
  'http://127.0.0.1/',
  'http://[::1]/',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://localhost/',
  'http://169.254.169.254/latest/meta-data/',
])('%s is refused before anything is sent', async (url) => {
  await expect(download(new URL(url), { allowPrivate: false, signal })).rejects.toThrow('--allow-private')
})

test('one private address among public ones refuses the name', async () => {
  const resolver: Resolver = async () => [
    { address: '93.184.216.34', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ]
  const url = new URL('https://images.example/disk')
  await expect(download(url, { allowPrivate: false, signal, resolver })).rejects.toThrow('10.0.0.1')
})

test('the name is resolved once, the connection goes to that address, and the server hears the name', async () => {
  const hosts: (string | undefined)[] = []
  const server = createServer((request, response) => {
    hosts.push(request.headers.host)
    response.end('image')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  let lookups = 0
  const resolver: Resolver = async () => {
    lookups += 1
    return [{ address: '127.0.0.1', family: 4 }]
  }
  const url = new URL(`http://images.example:${port}/disk`)
  const { body, length } = await download(url, { allowPrivate: true, signal, resolver })
  expect(await text(body)).toBe('image')
  expect(length).toBe(5)
  expect(lookups).toBe(1)
  expect(hosts).toEqual([`images.example:${port}`])
})

test('a redirect to a private address is refused as the first address would be', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(302, { location: 'http://second.example/' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const asked: string[] = []
  const resolver: Resolver = async (host) => {
    asked.push(host)
    if (host === 'second.example') throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    return [{ address: '127.0.0.1', family: 4 }]
  }
  const url = new URL(`http://first.example:${port}/`)
  await expect(download(url, { allowPrivate: true, signal, resolver })).rejects.toThrow('second.example')
  expect(asked).toEqual(['first.example', 'second.example'])
})

test.each(['ftp://images.example/x', 'file:///etc/passwd', 'https://user:secret@images.example/x'])(
  '%s is refused',
  async (url) => {
    await expect(download(new URL(url), { allowPrivate: true, signal })).rejects.toThrow(/not from|password/)
  },
)
