import { HostError } from '@berth/contract/host/host-error'
import { Command, Option } from 'commander'
import { backupCommand, type BackupOptions } from './backup/backup-command.ts'
import { restoreCommand, type RestoreOptions } from './backup/restore-command.ts'
import { censusCommand } from './census-command.ts'
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
import { VERSION } from './version.ts'

function withConfig(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file in JSON (default: /etc/berth/config.json where it exists)')
    .option('--state <directory>', 'database, keys and guests (default: /var/lib/berth for root)')
    .option(
      '--cache <directory>',
      'guest images, shared by all installations (default: /var/cache/berth for root)',
    )
    .addOption(
      new Option('--accelerator <name>', 'how guests run (default: auto)').choices(['auto', 'kvm', 'tcg']),
    )
    .option('--guest-user <name>', 'unprivileged user of the guests’ processes (default: berth-guest)')
}

function withNetwork(command: Command): Command {
  return command
    .option('--guest-network <cidr>', "every project's private network (default: 10.64.0.0/20)")
    .option('--public-pool <cidr>', 'public addresses (default: 127.64.0.0/16)')
    .option('--edge-address <address>', 'where port forwards answer (default: 127.0.0.1)')
    .addOption(
      new Option('--uplink <name>', 'what leads to guests from outside (default: loopback)').choices([
        'loopback',
        'bridge',
      ]),
    )
    .option('--uplink-bridge <device>', 'the bridge that leads to the public network')
    .option('--uplink-namespace <name>', 'network namespace of that bridge (default: the host’s own)')
    .option('--uplink-gateway <address/prefix>', 'next router beyond the bridge, such as 203.0.113.1/24')
    .addOption(
      new Option('--guest-egress <state>', 'whether guests reach public networks (default: off)').choices([
        'off',
        'on',
      ]),
    )
    .option('--guest-nameservers <addresses>', 'what new guests resolve names with')
}

function withRegistries(command: Command): Command {
  return command
    .option('--registry-mirror <url>', 'where container images of docker.io are fetched instead')
    .option('--registry-auth-file <file>', 'credentials for registries (containers-auth.json(5))')
}

const program = new Command('berth')
  .description('An open, self-hosted GPU cloud: virtual machines and services from one HTTP API.')
  .version(VERSION)
  .showHelpAfterError()

withRegistries(
  withNetwork(
    withConfig(program.command('serve').description('run the API and the reconciler on this host')),
  ),
)
  .option('--listen <address:port>', 'where the API answers (default: 127.0.0.1:7080)')
  .addOption(
    new Option('--driver <name>', 'what runs the guests (default: qemu)').choices(['qemu', 'simulated']),
  )
  .option(
    '--registries <names>',
    'registries that tenants may name (default: docker.io,ghcr.io,quay.io,nvcr.io)',
  )
  .option('--datacenter <name>', 'the name that instances show (default: local)')
  .option('--log-level <level>', 'fatal, error, warn, info or debug (default: info)')
  .action((flags: ConfigFlags) => serveCommand(loadConfig(flags)))

withNetwork(
  withConfig(program.command('doctor').description('check what this host can run, and say what is missing')),
)
  .option('--recheck', 'try the accelerator again instead of using the remembered verdict')
  .addOption(
    new Option('--driver <name>', 'what runs the guests (default: qemu)').choices(['qemu', 'simulated']),
  )
  .option('--listen <address:port>', 'where the API answers (default: 127.0.0.1:7080)')
  .option('--json', 'as JSON')
  .action(({ recheck, json, ...flags }: ConfigFlags & DoctorOptions) =>
    doctorCommand(loadConfig(flags), { recheck: recheck === true, json: json === true }),
  )

withNetwork(
  withConfig(
    program.command('census').description('list everything on this host that belongs to this installation'),
  ),
)
  .addOption(
    new Option('--driver <name>', 'what runs the guests (default: qemu)').choices(['qemu', 'simulated']),
  )
  .option('--json', 'as JSON')
  .action(({ json, ...flags }: ConfigFlags & { json?: boolean }) =>
    censusCommand(withServedDriver(loadConfig(flags), flags), json === true),
  )

withConfig(
  program
    .command('backup')
    .description('copy the database of an installation, running or not')
    .argument('<file>'),
)
  .option('--with-key', 'put secret.key and admin.key into the backup; else keep copies of them elsewhere')
  .option('--force', 'replace an existing file')
  .action((file: string, { withKey, force, ...flags }: ConfigFlags & BackupOptions) =>
    backupCommand(loadConfig(flags), file, { withKey: withKey === true, force: force === true }),
  )

withConfig(
  program
    .command('restore')
    .description('make a state directory what it was at a backup; running guests are adopted by berth serve')
    .argument('<file>'),
)
  .option('--key <file>', 'the secret.key of the installation, when the backup does not hold it')
  .option('--force', 'replace the database of a state directory that is not empty')
  .action((file: string, { key, force, ...flags }: ConfigFlags & RestoreOptions) =>
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
      .argument('<project>'),
  ),
).action((project: string, flags: ConfigFlags) =>
  showNetworkCommand(withServedDriver(loadConfig(flags), flags), project),
)
withNetwork(
  withConfig(
    network.command('verify').description('compare the kernel with the database; exit 1 on a difference'),
  ),
).action((flags: ConfigFlags) => verifyNetworkCommand(withServedDriver(loadConfig(flags), flags)))

const instance = program.command('instance').description('instances, for the operator of this host')
function withInstance(command: Command): Command {
  return withConfig(command)
    .option('--project <name>', 'only of this project')
    .option('--workspace <name>', 'only of this workspace')
}
withInstance(instance.command('list').description('every instance with its status and the reason for it'))
  .option('--stuck', 'only what is past a deadline, failed or destroyfailed')
  .action(({ project, workspace, stuck, ...flags }: ConfigFlags & InstanceFlags & { stuck?: boolean }) =>
    listInstancesCommand(loadConfig(flags), { project, workspace }, stuck === true),
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
withConfig(image.command('build').description('build a guest image from Debian packages').argument('<name>'))
  .option('--force', 'build again with today’s packages')
  .action((name: string, { force, ...flags }: ConfigFlags & { force?: boolean }) =>
    buildImageCommand(loadConfig(flags), name, force === true),
  )
withConfig(
  image.command('list').description('list the guest images and the container images of this host'),
).action((flags: ConfigFlags) => listImagesCommand(loadConfig(flags)))
withConfig(
  image
    .command('import')
    .description('take a cloud image (qcow2 or raw) into the cache; it boots from its disk')
    .argument('<name>', 'what profiles call it')
    .argument('<source>', 'a file, or an https or http URL'),
)
  .requiredOption('--sha256 <hex>', 'what the file must be, as its publisher says')
  .option('--user <name>', "the guest's user, made at the first boot when the image has none", 'berth')
  .option('--max-size <gib>', 'largest file that is taken, in GiB', '20')
  .option('--timeout <seconds>', 'how long the download may take', '3600')
  .option('--allow-private', 'also from addresses that are not public, such as 10.0.0.1')
  .action((name: string, source: string, { ...given }: ConfigFlags & ImportFlags) => {
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
  image.command('prune-containers').description('remove container images that no machine uses any more'),
)
  .option('--older-than <days>', 'only those that nobody has asked for in that time', '30')
  .action(({ olderThan, ...flags }: ConfigFlags & { olderThan: string }) =>
    pruneContainersCommand(loadConfig(flags), olderThan),
  )

try {
  await program.parseAsync()
} catch (error) {
  const explanation = explanationOf(error)
  if (explanation === null) throw error
  process.stderr.write(`berth: ${explanation.message}\n`)
  if (explanation instanceof HostError && explanation.remedy !== undefined)
    process.stderr.write(`  Next: ${explanation.remedy}\n`)
  process.exitCode = explanation instanceof ConfigError ? 2 : 1
}
