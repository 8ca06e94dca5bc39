import { Command, Option } from 'commander'
import { censusCommand } from './census-command.ts'
import { ConfigError, type ConfigFlags, loadConfig } from './config.ts'
import { doctorCommand } from './doctor-command.ts'
import { isExplained } from './host.ts'
import { buildImageCommand, listImagesCommand } from './image-commands.ts'
import { serveCommand } from './serve-command.ts'
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

const program = new Command('berth')
  .description('An open, self-hosted GPU cloud: virtual machines and services from one HTTP API.')
  .version(VERSION)
  .showHelpAfterError()

withConfig(program.command('serve').description('run the API and the reconciler on this host'))
  .option('--listen <address:port>', 'where the API answers (default: 127.0.0.1:7080)')
  .addOption(
    new Option('--driver <name>', 'what runs the guests (default: qemu)').choices(['qemu', 'simulated']),
  )
  .option('--guest-network <cidr>', "every project's private network (default: 10.64.0.0/20)")
  .option('--datacenter <name>', 'the name that instances show (default: local)')
  .option('--log-level <level>', 'fatal, error, warn, info or debug (default: info)')
  .action((flags: ConfigFlags) => serveCommand(loadConfig(flags)))

withConfig(program.command('doctor').description('check what this host can run, and say what is missing'))
  .option('--recheck', 'try the accelerator again instead of using the remembered verdict')
  .action(({ recheck, ...flags }: ConfigFlags & { recheck?: boolean }) =>
    doctorCommand(loadConfig(flags), recheck === true),
  )

withConfig(
  program.command('census').description('list everything on this host that belongs to this installation'),
)
  .addOption(
    new Option('--driver <name>', 'what runs the guests (default: qemu)').choices(['qemu', 'simulated']),
  )
  .option('--json', 'as JSON')
  .action(({ json, ...flags }: ConfigFlags & { json?: boolean }) =>
    censusCommand(loadConfig(flags), json === true),
  )

const image = program.command('image').description('guest images on this host')
withConfig(image.command('build').description('build a guest image from Debian packages').argument('<name>'))
  .option('--force', 'build again with today’s packages')
  .action((name: string, { force, ...flags }: ConfigFlags & { force?: boolean }) =>
    buildImageCommand(loadConfig(flags), name, force === true),
  )
withConfig(image.command('list').description('list the guest images of this host')).action(
  (flags: ConfigFlags) => listImagesCommand(loadConfig(flags)),
)

try {
  await program.parseAsync()
} catch (error) {
  if (!isExplained(error)) throw error
  process.stderr.write(`berth: ${error.message}\n`)
  process.exitCode = error instanceof ConfigError ? 2 : 1
}
