import { HostError } from '@berth/contract/host/host-error'

/** What is read of skopeo's words, in characters from their end: part of them is the registry's own text. */
const READ = 8192

/**
 * Why an image could not be fetched, from what skopeo said.
 * @param reference the image in full
 * @param registry the host that was asked
 * @returns retryable only where trying again without a change can help
 */
export function registryFailure(reference: string, registry: string, stderr: string): HostError {
  const said = lastMessage(stderr)
  const reason = withoutNames(said, reference, registry)
  if (/no space left on device/i.test(reason)) {
    return new HostError(
      `The disk of the image cache is full while fetching the image "${reference}". The operator can make room.`,
      { remedy: 'berth image prune-containers' },
    )
  }
  if (/manifest unknown|name unknown|repository name not known|status(?: code)?:? 404/i.test(reason)) {
    return final(`The image "${reference}" is not in the registry ${registry}: check its name.`)
  }
  if (
    /unauthorized|authentication required|(?<!permission )denied|forbidden|invalid username|status(?: code)?:? 40[13]/i.test(
      reason,
    )
  ) {
    return final(
      `The registry ${registry} refuses the image "${reference}": it does not exist, or it takes credentials. ` +
        'Check its name; the operator gives credentials with registryAuthFile.',
    )
  }
  if (/source image rejected/i.test(reason)) {
    return final(`The host's policy (containers-policy.json(5)) refuses the image "${reference}": ${said}`)
  }
  if (/too ?many ?requests|status(?: code)?:? 429/i.test(reason)) {
    return new HostError(`The registry ${registry} gives no more images for now: ${said}`)
  }
  return new HostError(`The registry ${registry} did not give the image "${reference}": ${said}`)
}

function final(message: string): HostError {
  return new HostError(message, { retryable: false })
}

/** What was said without the names of image and registry, which may hold any word. */
function withoutNames(said: string, reference: string, registry: string): string {
  const repository = reference.replace(/^[^/]*/, '').replace(/(?:@|:).*$/, '')
  return said
    .replaceAll(/\bmanifest \S+ in \S+/g, ' ')
    .split(/\s+/)
    .filter((word) => !word.includes('://') && !word.includes(registry) && !word.includes(repository))
    .join(' ')
}

/** The message of skopeo's last line, which is written as logfmt: `time="…" level=fatal msg="…"`. */
function lastMessage(stderr: string): string {
  const line = stderr.slice(-READ).trim().split('\n').at(-1) ?? ''
  const quoted = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1]
  const message = quoted === undefined ? line : unquoted(quoted)
  return (
    message.replace(/^Error (?:parsing|initializing|reading) [^:]+? "?docker:\S+?"?: /, '').slice(-400) ||
    'skopeo said nothing'
  )
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}
