import { HostError } from '@berth/contract/host/host-error'
import { Command } from 'commander'
import { endWithReader } from '../host/closed-output.ts'
import { WrongArgument } from '../images/wrong-argument.ts'
import { backupCommand, type BackupOptions } from './backup/backup-command.ts'
import { restoreCommand, type RestoreOptions } from './backup/restore-command.ts'
import { censusCommand } from './census-command.ts'
import { runProgram, withConfig, withDriver, withNetwork, withRegistries } from './command-line.ts'
import { ConfigError, type ConfigFlags, loadConfig } from './config.ts'
import { pruneContainersCommand, pullContainerCommand, removeContainerCommand } from './container-commands.ts'
import { doctorCommand, type DoctorOptions } from './doctor/doctor-command.ts'
import { explanationOf } from './host.ts'
import { buildImageCommand, listImagesCommand, removeImageCommand } from './image-commands.ts'
import { importImageCommand, type ImportFlags } from './image-import.ts'
import { abandonInstanceCommand } from './instance/abandon-command.ts'
import type { InstanceFlags } from './instance/installation.ts'
import { listInstancesCommand } from './instance/list-command.ts'
import { retryInstanceCommand } from './instance/retry-command.ts'
import { showNetworkCommand, verifyNetworkCommand } from './network-commands.ts'
import { serveCommand } from './serve-command.ts'
import { withServedDriver } from './served-driver.ts'
import { unknownVariables } from './unknown-variables.ts'
import { VERSION } from './version.ts'

interface JsonFlag {
  readonly json?: boolean
}

const program = new Command('berth')
  .description('An open, self-hosted GPU cloud: virtual machines and services from one HTTP API.')
  .version(VERSION)

const JSON_FLAG = ['--json', 'as JSON'] as const

withRegistries(
  withNetwork(
    withConfig(
      withDriver(
        program
          .command('serve')
          .description('run the API and the reconciler on this host')
          .option('--listen <address:port>', 'where the API answers (default: 127.0.0.1:7080)')
          .option('--log-level <level>', 'fatal, error, warn, info or debug (default: info)')
          .option('--datacenter <name>', 'the name that instances show (default: local)')
          .option(
            '--registries <names>',
            'registries that tenants may name (default: docker.io,ghcr.io,quay.io,nvcr.io)',
          ),
      ),
    ),
  ),
).action((flags: ConfigFlags) => serveCommand(loadConfig(flags)))

withNetwork(
  withConfig(
    withDriver(
      program
        .command('doctor')
        .description('check what this host can run, and say what is missing')
        .option('--recheck', 'try the accelerator again instead of using the remembered verdict')
        .option(...JSON_FLAG)
        .option('--listen <address:port>', 'where the API answers (default: 127.0.0.1:7080)'),
    ),
  ),
).action(({ recheck, json, ...flags }: ConfigFlags & DoctorOptions) =>
  doctorCommand(loadConfig(flags), { recheck: recheck === true, json: json === true }),
)

withNetwork(
  withConfig(
    withDriver(
      program
        .command('census')
        .description('list everything on this host that belongs to this installation')
        .option(...JSON_FLAG),
    ),
  ),
).action(({ json, ...flags }: ConfigFlags & JsonFlag) =>
  censusCommand(withServedDriver(loadConfig(flags), flags), json === true),
)

withConfig(
  program
    .command('backup')
    .description('copy the database of an installation, running or not')
    .argument('<file>')
    .option('--with-key', 'put secret.key and admin.key into the backup; else keep copies of them elsewhere')
    .option('--force', 'replace an existing file'),
).action((file: string, { withKey, force, ...flags }: ConfigFlags & BackupOptions) =>
  backupCommand(loadConfig(flags), file, { withKey: withKey === true, force: force === true }),
)

withConfig(
  program
    .command('restore')
    .description('make a state directory what it was at a backup; running guests are adopted by berth serve')
    .argument('<file>')
    .option('--key <file>', 'the secret.key of the installation, when the backup does not hold it')
    .option('--force', 'replace the database of a state directory that is not empty'),
).action((file: string, { key, force, ...flags }: ConfigFlags & RestoreOptions) =>
  restoreCommand(loadConfig(flags), file, {
    force: force === true,
    ...(key === undefined ? {} : { key }),
  }),
)

const network = program.command('network').description('the projects’ networks on this host')
withNetwork(
  withConfig(
    network
      .command('show')
      .description('guests, addresses, firewall rules with their counters, and ways in')
      .argument('<project>')
      .option(...JSON_FLAG),
  ),
).action((project: string, { json, ...flags }: ConfigFlags & JsonFlag) =>
  showNetworkCommand(withServedDriver(loadConfig(flags), flags), project, json === true),
)
withNetwork(
  withConfig(
    network.command('verify').description('compare the kernel with the database; exit 1 on a difference'),
  ),
).action((flags: ConfigFlags) => verifyNetworkCommand(withServedDriver(loadConfig(flags), flags)))

const instance = program.command('instance').description('instances, for the operator of this host')
function withInstance(command: Command): Command {
  return withConfig(
    command
      .option('--project <name>', 'only of this project')
      .option('--workspace <name>', 'only of this workspace'),
  )
}
withInstance(
  instance
    .command('list')
    .description('every instance with its status and the reason for it')
    .option('--stuck', 'only what is past a deadline, failed or destroyfailed')
    .option(...JSON_FLAG),
).action(
  ({
    project,
    workspace,
    stuck,
    json,
    ...flags
  }: ConfigFlags & InstanceFlags & JsonFlag & { stuck?: boolean }) =>
    listInstancesCommand(
      loadConfig(flags),
      { project, workspace },
      { stuckOnly: stuck === true, json: json === true },
    ),
)
withInstance(
  instance
    .command('retry')
    .description('try again at once what waits, is late, or has failed')
    .argument('<instance>', 'its name or its id'),
).action((named: string, { project, workspace, ...flags }: ConfigFlags & InstanceFlags) =>
  retryInstanceCommand(loadConfig(flags), named, { project, workspace }),
)
withInstance(
  instance
    .command('abandon')
    .description('give up one that cannot be deleted: forget it, and name what it leaves on the host')
    .argument('<instance>', 'its name or its id'),
).action((named: string, { project, workspace, ...flags }: ConfigFlags & InstanceFlags) =>
  abandonInstanceCommand(withServedDriver(loadConfig(flags), flags), named, { project, workspace }),
)

const image = program.command('image').description('guest images and container images on this host')
withConfig(
  image
    .command('build')
    .description('build a guest image from Debian packages')
    .argument('<name>')
    .option('--force', 'build again with today’s packages'),
).action((name: string, { force, ...flags }: ConfigFlags & { force?: boolean }) =>
  buildImageCommand(loadConfig(flags), name, force === true),
)
withConfig(
  image
    .command('list')
    .description('list the guest images and the container images of this host')
    .option(...JSON_FLAG),
).action(({ json, ...flags }: ConfigFlags & JsonFlag) => listImagesCommand(loadConfig(flags), json === true))
withConfig(
  image
    .command('import')
    .description('take a cloud image (qcow2 or raw) into the cache; it boots from its disk')
    .argument('<name>', 'what profiles call it')
    .argument('<source>', 'a file, or an https or http URL')
    .requiredOption('--sha256 <hex>', 'what the file must be, as its publisher says')
    .option('--user <name>', "the guest's user, made at the first boot when the image has none", 'berth')
    .option('--max-size <gib>', 'largest file that is taken, in GiB', '20')
    .option('--timeout <seconds>', 'how long the download may take', '3600')
    .option('--allow-private', 'also from addresses that are not public, such as 10.0.0.1'),
).action((name: string, source: string, { ...given }: ConfigFlags & ImportFlags) => {
  const { sha256, user, maxSize, timeout, allowPrivate, ...flags } = given
  const how = { sha256, user, maxSize, timeout, allowPrivate: allowPrivate === true }
  return importImageCommand(loadConfig(flags), name, source, how)
})
withConfig(
  image
    .command('rm')
    .description('remove a guest image that no machine uses')
    .argument('<image>', 'NAME, for all of its builds, or NAME@DIGEST'),
).action((reference: string, flags: ConfigFlags) => removeImageCommand(loadConfig(flags), reference))
withRegistries(
  withConfig(
    image
      .command('pull-container')
      .description('fetch a container image into the cache, ready for services')
      .argument('<reference>', 'such as jupyter/minimal-notebook:latest'),
  ),
).action((reference: string, flags: ConfigFlags) => pullContainerCommand(loadConfig(flags), reference))
withConfig(
  image
    .command('rm-container')
    .description('remove a container image that no machine uses')
    .argument('<image>', 'its reference, or 8 or more digits of its digest'),
).action((text: string, flags: ConfigFlags) => removeContainerCommand(loadConfig(flags), text))
withConfig(
  image
    .command('prune-containers')
    .description('remove container images that no machine uses any more')
    .option('--older-than <days>', 'only those that nobody has asked for in that time', '30'),
).action(({ olderThan, ...flags }: ConfigFlags & { olderThan: string }) =>
  pruneContainersCommand(loadConfig(flags), olderThan),
)

endWithReader()
// The server tells of them in its log.
if (process.argv[2] !== 'serve') {
  for (const sentence of unknownVariables()) process.stderr.write(`berth: warning: ${sentence}\n`)
}
try {
  await runProgram(program)
} catch (error) {
  const explanation = explanationOf(error)
  if (explanation === null) throw error
  process.stderr.write(`berth: ${explanation.message}\n`)
  if (explanation instanceof HostError && explanation.remedy !== undefined)
    process.stderr.write(`  Next: ${explanation.remedy}\n`)
  process.exitCode = explanation instanceof ConfigError || explanation instanceof WrongArgument ? 2 : 1
}
