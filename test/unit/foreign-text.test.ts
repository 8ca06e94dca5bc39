import { Buffer } from 'node:buffer'
import { isHostname } from '@berth/contract/application/hostname'
import { parseImageReference } from '@berth/contract/application/image-reference'
import { splitWords } from '@berth/contract/application/split-words'
import { parseFirewallRules } from '@berth/contract/network-rules'
import { parseSshKeys } from '@berth/contract/ssh-public-key'
import { expect, test } from 'vitest'
import { parseJson } from '../../packages/server/src/api/json-text.ts'
import { apiKeyId } from '../../packages/server/src/auth/api-key-format.ts'
import { readObservation } from '../../packages/server/src/drivers/qemu/application/observe-application.ts'
import { diskComplaint } from '../../packages/server/src/drivers/qemu/disk-damage.ts'
import { guestText } from '../../packages/server/src/drivers/qemu/guest-text.ts'
import { parseObject } from '../../packages/server/src/drivers/qemu/line-socket.ts'
import { parseGuestReport } from '../../packages/server/src/drivers/qemu/readiness-port.ts'
import { registryFailure } from '../../packages/server/src/images/container/registry-failure.ts'
import { parseRequest } from '../../packages/server/src/network/relay-protocol.ts'

type Reader = (text: string) => unknown

/** What reads text of guests, registries, QEMU and the relay's clients. */
const readers: Readonly<Record<string, Reader>> = {
  'text of a guest': (text) => guestText(text, Number.POSITIVE_INFINITY),
  'text of a guest, cut': (text) => guestText(text, 300),
  'readiness of a guest': (text) => parseGuestReport(Buffer.from(text)),
  'answer of an agent': (text) => parseObject(Buffer.from(text)),
  "an application's state and log": (text) =>
    readObservation(`ActiveState=failed\n\n502 ${text}\n${text}`, [200]),
  'complaint of QEMU': (text) => diskComplaint('/disk', text),
  'complaint of a registry': (text) =>
    registryFailure('docker.io/library/a:latest', 'docker.io', `level=fatal msg="${text}`),
  'request to the relay': (text) => parseRequest(text),
}

/** What reads text of requests, which are no longer than 256 KiB (docs/api.md, Limits). */
const requestReaders: Readonly<Record<string, Reader>> = {
  'body of a request': (text) => parseJson(Buffer.from(text)),
  'API key': (text) => apiKeyId(text),
  'SSH keys': (text) => parseSshKeys('SSH Public Keys', text),
  'firewall rules': (text) =>
    parseFirewallRules(
      'Firewall Rules',
      JSON.stringify([{ source_cidr: text, action: 'allow', application: text }]),
    ),
  'image reference': (text) => parseImageReference(text),
  'host name': (text) => isHostname(text),
  'words of a command line': (text) => splitWords(text),
}

/** What makes a regular expression go back and begin again, here repeated, and then ended by what it was not looking for. */
const pieces = [
  '\r',
  '\n',
  '\t',
  ' ',
  '\0',
  ':',
  ';',
  '.',
  '/',
  '@',
  '-',
  '"',
  "'",
  '\\',
  ',',
  '=',
  '[',
  '{',
  '0',
  'a',
  '\u001B',
  '\u001B[',
  '\u001B]',
  '\u001B[;',
  '\u009B1',
  '\\"',
  '" "',
  'a.',
  'a-',
  'a:',
  '1.',
  '\n ',
  'msg="',

  'error ',
  'manifest a in ',
  '{"a":',
  '[[',
  '\u202E',
  '\uD83D',
  'é',
  'ssh-rsa AAAA ',
]

/** The most CPU time, in seconds, that `read` takes for one of the worst texts of `size` characters, and what it is made of. */
function slowest(read: Reader, size: number): { readonly seconds: number; readonly piece: string } {
  let worst = { seconds: 0, piece: '' }
  for (const piece of pieces) {
    const filler = piece.repeat(Math.ceil(size / piece.length))
    for (const text of [`${filler}\n`, `x${filler}!`]) {
      const before = process.cpuUsage()
      try {
        read(text)
      } catch {
        // A refusal is as good as an answer, as long as it comes soon.
      }
      const { user, system } = process.cpuUsage(before)
      const seconds = (user + system) / 1e6
      if (seconds > worst.seconds) worst = { seconds, piece }
    }
  }
  return worst
}

test.each(Object.entries(readers))(
  'four million of the worst characters cost less than a second of CPU: %s',
  (_, read) => {
    const { seconds, piece } = slowest(read, 4 << 20)
    expect(seconds, JSON.stringify(piece)).toBeLessThan(1)
  },
  120_000,
)

test.each(Object.entries(requestReaders))(
  'a request of the worst characters costs less than a second of CPU: %s',
  (_, read) => {
    const { seconds, piece } = slowest(read, 256 << 10)
    expect(seconds, JSON.stringify(piece)).toBeLessThan(1)
  },
  120_000,
)
