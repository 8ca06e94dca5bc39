import { nameFinder } from '@berth/contract/near-name'
import { type Command, CommanderError, Option } from 'commander'

/** What `berth` ends with when it was called wrongly, as a configuration error does. */
const USAGE_ERROR = 2

const SETTINGS = 'Settings (flags win over BERTH_ variables, these over the file):'

/** Flags of every command: where the installation is, and how guests run. To be called once its own are defined. */
export function withConfig(command: Command): Command {
  return command
    .optionsGroup(SETTINGS)
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

export function withDriver(command: Command): Command {
  return command
    .optionsGroup(SETTINGS)
    .addOption(
      new Option('--driver <name>', 'what runs the guests (default: qemu)').choices(['qemu', 'simulated']),
    )
}

export function withNetwork(command: Command): Command {
  return command
    .optionsGroup(SETTINGS)
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

export function withRegistries(command: Command): Command {
  return command
    .optionsGroup(SETTINGS)
    .option('--registry-mirror <url>', 'where container images of docker.io are fetched instead')
    .option('--registry-auth-file <file>', 'credentials for registries (containers-auth.json(5))')
}

/** Runs the program; a call that it does not understand is answered in one line, and with the exit code 2. */
export async function runProgram(program: Command): Promise<void> {
  explainCommands(program)
  answerInOneLine(program)
  try {
    await program.parseAsync()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR
  }
}

/** Gives each group of commands a `help` of its own: commander's shows the group's help for a command that there is not. */
function explainCommands(group: Command): void {
  if (group.commands.length === 0) return
  for (const each of group.commands) explainCommands(each)
  group
    .helpCommand(false)
    .command('help')
    .description('show what a command does')
    .argument('[command...]')
    .action((words: readonly string[]) => {
      words.reduce(commandNamed, group).help()
    })
}

function commandNamed(group: Command, word: string): Command {
  const found = group.commands.find((each) => each.name() === word)
  if (found !== undefined) return found
  const names = group.commands.map((each) => each.name())
  const nearest = nameFinder(names, { shortWords: true })(word)
  const hint = nearest === undefined ? '' : ` (Did you mean ${nearest}?)`
  return group.error(`unknown command '${word}'${hint}`)
}

function answerInOneLine(command: Command, path = command.name()): void {
  command.exitOverride()
  command.configureOutput({ outputError: (text, write) => write(usageText(path, text)) })
  for (const each of command.commands) answerInOneLine(each, `${path} ${each.name()}`)
}

/** What commander says of a wrong call, in one line that ends with where to look. */
function usageText(path: string, said: string): string {
  const text = said.trim().replace(/^error: /, '')
  // Help that is shown for want of a command.
  if (text.startsWith('Usage: ')) return said
  const [, flag, rest = ''] = /^unknown option '([^']*)'\s*(.*)$/s.exec(text) ?? []
  const suggestion = rest.replace(/^\(Did you mean (.*)\?\)$/, ' (did you mean $1?)')
  const what =
    flag === undefined ? text.replaceAll(/\s*\n\s*/g, ' ') : `${flag} is no flag of ${path}${suggestion}`
  return `berth: ${what.replace(/\.$/, '')}; see ${path} --help\n`
}
