import { join } from 'node:path/posix'
import { HostError } from '@berth/contract/host/host-error'
import type { GuestApplication } from '../../machine-driver.ts'
import { guestPaths, type GuestFile } from './guest-paths.ts'

const imageId = /^sha256:([0-9a-f]{64})$/
const absolutePath = /^(\/[A-Za-z0-9._-]+)+$/
const volumeName = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/
const environmentName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

type Container = Pick<
  GuestApplication,
  'imageId' | 'arguments' | 'environment' | 'secretEnvironment' | 'files' | 'volumes' | 'keepHome' | 'gpus'
>

/**
 * The files from which the guest starts the application's container: podman's words as JSON, the secret
 * environment, and what the application reads. No secret is in the words.
 * @throws HostError on values that podman could misread
 */
export function containerFiles(application: Container): GuestFile[] {
  const files = application.files.map(({ path, content }, index) => ({
    path: join(guestPaths.application, `file-${index}`),
    content,
    target: checked(path, absolutePath, 'the path of a file'),
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
    ...application.volumes.map(({ name, path }) => {
      checked(path, absolutePath, 'the path of a volume')
      return `--volume=berth-${checked(name, volumeName, 'the name of a volume')}:${path}`
    }),
    // The guest adds a volume for the home otherwise (run-application.py).
    ...(application.keepHome === false ? ['--label=berth.home=image'] : []),
    imageId.exec(application.imageId)?.[1] ?? refuse('the id of its image is not a sha256'),
    ...application.arguments.map((word) => checked(word, /^[^\0]*$/, 'an argument')),
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
  return Object.entries(environment).map(([name, value]) => {
    checked(name, environmentName, 'the name of an environment variable')
    // The file for podman is made of lines.
    if (/\p{Cc}/u.test(value)) refuse(`the environment variable ${name} holds a control character`)
    return `${name}=${value}`
  })
}

function checked(text: string, pattern: RegExp, what: string): string {
  return pattern.test(text) ? text : refuse(`${what} is not valid`)
}

function refuse(why: string): never {
  throw new HostError(`The application cannot run: ${why}.`, { retryable: false })
}
