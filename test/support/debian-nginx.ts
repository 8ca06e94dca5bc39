import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { guestPaths, type GuestFile } from '../../packages/server/src/drivers/qemu/application/guest-paths.ts'
import { createAptRoot } from '../../packages/server/src/images/apt-root.ts'
import { runCommand } from '../../packages/server/src/images/run-command.ts'
import { madeOnce } from '../images/made-once.ts'
import { tempDir } from './temp-dir.ts'
import { waitFor } from './wait-for.ts'

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** The web server of a services' guest, with a guest's own configuration, on a loopback address of this host. */
export interface DebianNginx {
  stop(): Promise<void>
}

/**
 * Runs Debian 12's nginx, unpacked from its package, with files as a guest has them.
 * @param port that the configuration listens on; here at 127.0.0.1 only
 * @param key of its certificate, PEM; "" when it has none
 */
export async function startNginx(
  files: readonly GuestFile[],
  port: number,
  key: string,
): Promise<DebianNginx> {
  const program = join(await unpacked(), 'usr/sbin/nginx')
  const directory = await tempDir()
  for (const { path, content } of [...files, { path: guestPaths.key, content: key }])
    await writeFile(placed(path, directory), hostText(content, directory, port))
  await mkdir(join(directory, 'tmp'))
  const words = ['-c', placed(guestPaths.webConfiguration, directory), '-g', 'daemon off;', '-e', 'stderr']
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said += String(text)))
  const ended = once(child, 'exit')
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`)
      return answers(port)
    },
    { deadlineSeconds: 20, what: 'nginx to listen', intervalMs: 50 },
  )
  return {
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** The package's files, fetched the first time. */
async function unpacked(): Promise<string> {
  const made = await madeOnce('nginx-bookworm', async (output, work) => {
    const apt = await createAptRoot(join(work, 'apt'))
    await apt.download(['nginx'], work)
    const [package_] = (await readdir(work)).filter((name) => name.endsWith('.deb'))
    await runCommand('dpkg-deb', ['-x', join(work, package_ ?? ''), join(output, 'root')], {
      timeoutMs: 60_000,
      debianPackage: 'dpkg',
    })
  })
  return join(made, 'root')
}

function placed(path: string, directory: string): string {
  return join(directory, path.slice(guestPaths.web.length + 1))
}

/** A guest's configuration with this host's places in it. */
function hostText(content: string, directory: string, port: number): string {
  const temporary = TEMPORARY.map((what) => `${what}_temp_path ${directory}/tmp/${what};`).join(' ')
  return content
    .replaceAll(`${guestPaths.web}/`, `${directory}/`)
    .replace('pid /run/', `pid ${directory}/`)
    .replace('http {', `http { ${temporary}`)
    .replace(`listen ${port}`, `listen 127.0.0.1:${port}`)
}

async function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = createConnection(port, '127.0.0.1')
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  const open = await promise
  socket.destroy()
  return open
}
