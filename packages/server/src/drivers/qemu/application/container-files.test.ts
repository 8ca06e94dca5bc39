import { HostError } from '@berth/contract/host/host-error'
import { expect, test } from 'vitest'
import { containerFiles } from './container-files.ts'

const hex = '0123456789abcdef'.repeat(4)
const application: Parameters<typeof containerFiles>[0] = {
  imageId: `sha256:${hex}`,
  arguments: ['--model', 'a b"c', '$(reboot)', '-v', '/:/host'],
  environment: { GREETING: 'a "b" $c, d' },
  secretEnvironment: { API_KEY: " s3cr'et#=\\ " },
  files: [{ path: '/home/user/config.json', content: '{"token":"hidden"}' }],
  volumes: [{ name: 'work', path: '/home/user/work' }],
  gpus: false,
}

function commandOf(changes: Partial<typeof application> = {}): string[] {
  const [command] = containerFiles({ ...application, ...changes })
  return JSON.parse(command!.content) as string[]
}

test('each argument is a word of its own, behind the image', () => {
  const command = commandOf()
  expect(command.slice(command.indexOf(hex) + 1)).toEqual(application.arguments)
  expect(command).toContain('--env=GREETING=a "b" $c, d')
  expect(command).toContain('--volume=berth-work:/home/user/work')
  expect(command).toContain('--pull=never')
})

test('before the image each option is one word with two dashes, as the guest reads them', () => {
  const command = commandOf({ gpus: true })
  const options = command.slice(3, command.indexOf(hex))
  expect(options.filter((word) => !/^--[a-z-]+(=|$)/.test(word))).toEqual([])
})

test('secrets are in files of their own, as they are, and not in the command', () => {
  const [command, environment, file] = containerFiles(application)
  expect(environment!.content).toBe("API_KEY= s3cr'et#=\\ \n")
  expect(file!.content).toBe('{"token":"hidden"}')
  expect(command!.content).not.toMatch(/cr'et|hidden/)
  const mount = `--mount=type=bind,source=${file!.path},destination=/home/user/config.json,ro=true,U=true`
  expect(JSON.parse(command!.content)).toContain(mount)
})

test('the home is kept unless the profile says that it is the image’s', () => {
  expect(commandOf().join(' ')).not.toContain('--label')
  expect(commandOf({ keepHome: false })).toContain('--label=berth.home=image')
})

test('GPUs go in where the machine has them', () => {
  expect(commandOf({ gpus: true })).toContain('--device=nvidia.com/gpu=all')
  expect(commandOf().join(' ')).not.toContain('--device')
})

test.each(['sha256:abc', `--privileged ${hex}`])('the image id %j is refused', (imageId) => {
  expect(() => containerFiles({ ...application, imageId })).toThrow(HostError)
})
