import { join } from 'node:path/posix'
import { HostError } from '@berth/contract/host/host-error'
import type { GuestApplication } from '../../machine-driver.ts'
import { guestPaths, type GuestFile } from './guest-paths.ts'

const imageId = /^sha256:([0-9a-f]{64})$/

type Container = Pick<
  GuestApplication,
  'imageId' | 'arguments' | 'environment' | 'secretEnvironment' | 'files' | 'volumes' | 'keepHome' | 'gpus'
>

/**
 * The files from which the guest starts the application's container: podman's words as JSON, the secret
 * environment, and what the application reads. No secret is in the words.
 * @param application that has passed `checkApplication`
 * @throws HostError on an image's id that is none
 */
export function containerFiles(application: Container): GuestFile[] {
  const files = application.files.map(({ path, content }, index) => ({
    path: join(guestPaths.application, `file-${index}`),
    content,
    target: path,
  }))
  const command = [
    ...fixedWords,
    ...(application.gpus ? ['--device=nvidia.com/gpu=all'] : []),
    ...environmentEntries(application.environment).map((entry) => `--env=${entry}`),
    `--env-file=${guestPaths.environment}`,
    // `U` gives the file to the user that the container runs as, who could not read it otherwise.
    ...files.map(
      ({ path, target }) => `--mount=type=bind,source=${path},destination=${target},ro=true,U=true`,
    ),
    ...application.volumes.map(({ name, path }) => `--volume=berth-${name}:${path}`),
    // The guest adds a volume for the home otherwise (run-application.py).
    ...(application.keepHome === false ? ['--label=berth.home=image'] : []),
    imageHash(application.imageId),
    ...application.arguments,
  ]
  const secrets = environmentEntries(application.secretEnvironment)
  return [
    { path: guestPaths.command, content: JSON.stringify(command) },
    { path: guestPaths.environment, content: secrets.map((entry) => `${entry}\n`).join('') },
    ...files.map(({ path, content }) => ({ path, content })),
  ]
}

/**
 * As podman's own units for systemd start containers (podman-systemd.unit(5)): conmon is the service's main
 * process and tells it when the container runs. The machine exists for this one container, so that it shares
 * its network and its shared memory, which GPU programs need much of.
 */
const fixedWords = [
  '/usr/bin/podman',
  // They would stand in the journal among the application's own lines.
  '--events-backend=none',
  'run',
  '--name=berth-application',
  '--replace',
  '--rm',
  '--detach',
  '--cgroups=split',
  '--sdnotify=conmon',
  '--log-driver=journald',
  '--pull=never',
  '--network=host',
  '--ipc=host',
  '--pids-limit=-1',
  '--stop-timeout=10',
]

function environmentEntries(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`)
}

function imageHash(id: string): string {
  const hash = imageId.exec(id)?.[1]
  if (hash !== undefined) return hash
  throw new HostError('The application cannot run: the id of its image is not a sha256.', {
    retryable: false,
  })
}
