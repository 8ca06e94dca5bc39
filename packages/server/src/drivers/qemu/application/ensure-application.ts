import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { HostError } from '@berth/contract/host/host-error'
import type { GuestApplication } from '../../machine-driver.ts'
import { checkApplication } from '../../machine-rules.ts'
import type { GuestAgentClient, GuestExecResult } from '../guest-agent-client.ts'
import { guestText } from '../guest-text.ts'
import { containerFiles } from './container-files.ts'
import { guestPaths, guestUnits, type GuestFile } from './guest-paths.ts'
import { unitFiles } from './unit-files.ts'
import { webFiles } from './web-files.ts'

const script = new URL('apply-application.py', import.meta.url)

/** What runs in the guest at each start; what one of them reads comes before it. */
const programs = [
  { path: guestPaths.imageModule, source: new URL('container_image.py', import.meta.url) },
  { path: guestPaths.program, source: new URL('run-application.py', import.meta.url) },
]

/** Milliseconds: an application that ends has ten seconds of them, and emulation slows the rest down. */
const timeoutMs = 120_000

/** How the script says that the port is taken. */
const portTaken = 3

/**
 * Brings what the guest serves to `application`; null takes everything away but its volumes. What is to change
 * goes over the agent's connection, so that no process in the guest has a secret among its arguments.
 * @throws HostError with the guest's own complaint
 */
export async function ensureApplication(
  agent: GuestAgentClient,
  application: GuestApplication | null,
): Promise<void> {
  if (application !== null) checkApplication(application)
  const parts = application && guestParts(application)
  const { exitCode, stdout } = await apply(agent, { parts, port: application?.port })
  if (exitCode === portTaken && application !== null) {
    const owner = guestText(stdout, 50).trim()
    throw new HostError(`Port ${application.port} is taken in the guest, by ${owner}. Choose another port.`, {
      retryable: false,
    })
  }
}

/**
 * Brings what an earlier version of the server has set up for an application to this one: from its next start on, the
 * container is started as this one does it. What runs goes on, and nothing that it wrote is lost when it ends.
 * @throws HostError with the guest's own complaint
 */
export async function adoptApplication(agent: GuestAgentClient): Promise<void> {
  await apply(agent, { adopt: true, parts: null })
}

async function apply(agent: GuestAgentClient, wanted: object): Promise<GuestExecResult> {
  const files = await Promise.all(
    programs.map(async ({ path, source }) => ({ path, content: await readFile(source, 'utf8') })),
  )
  const fixed = {
    paths: guestPaths,
    programs: files,
    units: unitFiles,
    application: guestUnits.application,
  }
  const argv = ['/usr/bin/python3', '-I', '-c', await readFile(script, 'utf8')]
  const result = await agent.exec(argv, { input: JSON.stringify({ ...fixed, ...wanted }), timeoutMs })
  if (result.exitCode === 0 || result.exitCode === portTaken) return result
  const said = guestText(result.stderr, 4000).trim().slice(-500) || 'no reason given'
  throw new HostError(`The guest could not set its application up: ${said}.`)
}

/** What of the application changes, as the guest's script reads it. */
function guestParts(application: GuestApplication): object {
  return {
    application: {
      unit: guestUnits.application,
      directory: guestPaths.application,
      stamp: guestPaths.applied,
      ...stored(containerFiles(application)),
    },
    web: {
      unit: guestUnits.web,
      directory: guestPaths.web,
      stamp: guestPaths.webApplied,
      ...stored(webFiles(application)),
    },
  }
}

/** Files of one unit, which is restarted or reloaded when they change. */
function stored(files: readonly GuestFile[]): object {
  return { files, fingerprint: createHash('sha256').update(JSON.stringify(files)).digest('hex') }
}
