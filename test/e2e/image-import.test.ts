import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { copyFile, open, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { QemuDriver } from '../../packages/server/src/drivers/qemu/qemu-driver.ts'
import { findImage, listImages } from '../../packages/server/src/images/image-store.ts'
import { download } from '../../packages/server/src/images/import/pinned-download.ts'
import type { Resolver } from '../../packages/server/src/images/import/public-address.ts'
import { removeUnusedImages } from '../../packages/server/src/images/remove-unused.ts'
import { runCommand } from '../../packages/server/src/images/run-command.ts'
import { verifyImage } from '../../packages/server/src/images/verify-image.ts'
import { importImage, type ImportOptions } from '../../packages/server/src/images/import/import-image.ts'
import { readQcow2Header } from '../../packages/server/src/images/import/qcow2-header.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait-for.ts'

let cacheDir: string
let folder: string

beforeEach(async () => {
  cacheDir = await tempDir()
  folder = await tempDir()
})

/** The guest user's place is taken by nobody, where tests run as root. */
const confinement = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null

async function take(name: string, source: string, options: Partial<ImportOptions> = {}) {
  const sha256 = options.sha256 ?? (await sha256Of(source))
  const limits = { maxBytes: 2 ** 26, timeoutSeconds: 20, allowPrivate: false }
  return importImage(name, source, {
    cacheDir,
    defaultUser: 'berth',
    confinement,
    ...limits,
    ...options,
    sha256,
  })
}

async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

async function qemuImg(...words: string[]) {
  await runCommand('qemu-img', words, { timeoutMs: 20_000, debianPackage: 'qemu-utils' })
}

/** A raw disk of 4 MiB with a boot sector's signature. */
async function rawDisk(): Promise<string> {
  const path = join(folder, 'disk.raw')
  await writeFile(path, '')
  await truncate(path, 4 * 2 ** 20)
  const file = await open(path, 'r+')
  await file.write(Buffer.from([0x55, 0xaa]), 0, 2, 510)
  await file.write(Buffer.from('what the disk holds'), 0, 19, 65_536)
  await file.close()
  return path
}

async function qcow2Disk(): Promise<string> {
  const path = join(folder, 'disk.qcow2')
  await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', await rawDisk(), path)
  return path
}

test.each([
  ['raw', rawDisk],
  ['qcow2', qcow2Disk],
])('a %s disk becomes an image that boots from its disk and holds what it held', async (_format, make) => {
  const source = await make()
  const phases = new Set<string>()
  const image = await take('noble', source, { onProgress: ({ phase }) => void phases.add(phase) })
  expect(image).toMatchObject({ name: 'noble', bootMode: 'disk', defaultUser: 'berth' })
  expect(await findImage(cacheDir, 'noble')).toEqual(image)
  expect(await verifyImage(image)).toEqual({ ok: true, problems: [] })
  expect(await readQcow2Header(image.disk!)).toMatchObject({ backingFile: null, virtualSize: 4n * 2n ** 20n })
  expect(statSync(image.disk!).uid).toBe(process.getuid?.())
  const back = join(folder, 'back.raw')
  await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', image.disk!, back)
  expect(await sha256Of(back)).toBe(await sha256Of(await rawDisk()))
  expect([...phases]).toEqual(['copy', 'check', 'convert', 'store', 'done'])
})

test('a file that is not what its sha256 says is not imported, and nothing stays', async () => {
  const source = await rawDisk()
  await expect(take('noble', source, { sha256: 'f'.repeat(64) })).rejects.toThrow(
    /its sha256 is [0-9a-f]{64}/,
  )
  expect(readdirSync(join(cacheDir, 'tmp'))).toEqual([])
  expect(await listImages(cacheDir)).toEqual([])
  await expect(findImage(cacheDir, 'noble')).rejects.toThrow('There is no guest image')
})

test('an overlay, a disk with its data elsewhere, and what is no disk are refused by what they are', async () => {
  const base = await qcow2Disk()
  const overlay = join(folder, 'overlay.qcow2')
  await qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, overlay)
  await expect(take('noble', overlay)).rejects.toThrow('its backing file')

  const external = join(folder, 'external.qcow2')
  const data = join(folder, 'data.raw')
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${data},data_file_raw=on`, external, '4M')
  await expect(take('noble', external)).rejects.toThrow('in another file')

  const page = join(folder, 'page.html')
  await writeFile(page, '<html>'.repeat(500))
  await expect(take('noble', page)).rejects.toThrow('neither a qcow2 file nor a raw disk')
  const packed = join(folder, 'disk.img.xz')
  await writeFile(packed, Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(1000)]))
  await expect(take('noble', packed)).rejects.toThrow('unxz')

  const huge = join(folder, 'huge.qcow2')
  await qemuImg('create', '-q', '-f', 'qcow2', huge, '8T')
  await expect(take('noble', huge)).rejects.toThrow('at most 1024 GiB')
  expect(readdirSync(join(cacheDir, 'tmp'))).toEqual([])
})

test('a qcow2 file that was not copied whole is refused, and one that only wastes space is taken', async () => {
  const whole = await qcow2Disk()
  const fill = ['-c', 'write 0 3M', whole]
  await runCommand('qemu-io', fill, { timeoutMs: 20_000, debianPackage: 'qemu-utils' })
  const half = join(folder, 'half.qcow2')
  await copyFile(whole, half)
  await truncate(half, (await stat(half)).size - 2 ** 20)
  await expect(take('noble', half)).rejects.toThrow('it is damaged, as one that was not copied whole')

  await countOneClusterTooMany(whole)
  expect((await take('noble', whole)).name).toBe('noble')
})

/** Has a qcow2 file say that a cluster after its end is used, though nothing refers to it (docs/interop/qcow2.rst). */
async function countOneClusterTooMany(path: string): Promise<void> {
  const file = await open(path, 'r+')
  const numberAt = async (offset: number) => {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, offset)
    return Number(buffer.readBigUInt64BE())
  }
  const firstBlock = await numberAt(await numberAt(48))
  const cluster = Math.ceil((await file.stat()).size / 65_536)
  await file.write(Buffer.from([0, 1]), 0, 2, firstBlock + 2 * cluster)
  await file.close()
}

test('a damaged qcow2 file is refused in QEMU’s words', async () => {
  const path = await qcow2Disk()
  const file = await open(path, 'r+')
  // The offset of the L1 table (docs/interop/qcow2.rst, byte 40) points nowhere.
  await file.write(Buffer.from('7fffffffffff0000', 'hex'), 0, 8, 40)
  await file.close()
  await expect(take('noble', path)).rejects.toThrow(/qemu|prlimit|setpriv/)
})

test.each(['../etc', 'tiny', 'debian-12', 'Noble', 'a..b', '', 'x'.repeat(64)])(
  'the name %j is refused',
  async (name) => {
    await expect(take(name, await rawDisk())).rejects.toThrow(/cannot name a guest image|is built by Berth/)
  },
)

/** A raw disk whose boot sector writes a line to the first serial port and stops; real-mode x86. */
async function bootableDisk(): Promise<string> {
  const path = await rawDisk()
  // mov dx, 0x3f8; mov si, message; next: lodsb; test al, al; jz stop; out dx, al; jmp next; stop: hlt; jmp stop
  const code = Buffer.from('baf803be127cac84c07403eeebf8f4ebfd90', 'hex')
  const message = Buffer.from('booted from the imported disk\r\n\0')
  const sector = Buffer.concat([code, message])
  const file = await open(path, 'r+')
  await file.write(sector, 0, sector.length, 0)
  await file.close()
  return path
}

test('a machine boots from the disk that was imported, and keeps the image from being removed', async () => {
  const image = await take('loader', await bootableDisk())
  const driver = new QemuDriver({
    installId: randomBytes(3).toString('hex'),
    stateDir: folder,
    cacheDir,
    accelerator: 'tcg',
    guestUser: 'berth-guest',
  })
  const nic = { namespace: null, tap: 'none', mac: '52:54:00:00:00:05', address: '10.64.0.5/20' }
  const spec = {
    id: randomUUID(),
    vcpus: 1,
    memoryMib: 64,
    diskGib: 1,
    image,
    nic: { ...nic, gateway: '10.64.0.1', nameservers: [] },
    identity: { hostname: 'loader', user: 'berth', sshKeys: [] },
  }
  try {
    await driver.ensureDisk(spec, false)
    await driver.ensureSeed(spec)
    await driver.ensureRunning(spec, 'note')
    await waitFor(async () => (await driver.consoleTail(spec.id)).includes('booted from the imported disk'), {
      deadlineSeconds: 30,
      what: 'the boot sector to write to the console',
    })
    const running = await removeUnusedImages(cacheDir, 'loader', undefined, [])
    expect(running.used[0]?.users).toMatchObject([{ kind: 'process' }])
    await driver.ensureStopped(spec.id)
    const stopped = await removeUnusedImages(cacheDir, 'loader', undefined, [folder])
    expect(stopped.used[0]?.users).toMatchObject([{ kind: 'disk' }])
  } finally {
    await driver.remove(spec.id)
  }
  expect((await removeUnusedImages(cacheDir, 'loader', undefined, [folder])).removed).toHaveLength(1)
})

test('over TLS the server is told the name, and has to prove it', async () => {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const words = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ]
  const names = ['-subj', '/CN=images.example', '-addext', 'subjectAltName=DNS:images.example']
  const made = [...words, ...names, '-keyout', key, '-out', cert]
  await runCommand('openssl', made, { timeoutMs: 20_000, debianPackage: 'openssl' })
  const heard: (string | false | null | undefined)[] = []
  const server = createServer(
    { key: await readFile(key), cert: await readFile(cert) },
    (request, response) => {
      heard.push((request.socket as TLSSocket).servername)
      response.end('image')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const resolver: Resolver = async () => [{ address: '127.0.0.1', family: 4 }]
  const get = async (host: string, ca?: string) =>
    download(new URL(`https://${host}:${port}/`), {
      allowPrivate: true,
      signal: AbortSignal.timeout(20_000),
      resolver,
      ...(ca === undefined ? {} : { ca }),
    })
  const ca = await readFile(cert, 'utf8')
  expect(await text((await get('images.example', ca)).body)).toBe('image')
  expect(heard).toEqual(['images.example'])
  await expect(get('other.example', ca)).rejects.toThrow(/does not match|altnames/)
  await expect(get('images.example')).rejects.toThrow(/self-signed/)
})
