import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { HostError } from '@berth/contract/host/host-error'
import { pinAddress, systemResolver, type PinnedAddress, type Resolver } from './public-address.ts'

export interface DownloadOptions {
  readonly allowPrivate: boolean
  /** Ends the download, such as at its time limit. */
  readonly signal: AbortSignal
  readonly resolver?: Resolver
  /** Certificates to trust beside the system's, in PEM. */
  readonly ca?: string
}

/** A download that has begun. */
export interface Download {
  readonly body: IncomingMessage
  /** Bytes, when the server says. */
  readonly length: number | null
}

const maxRedirects = 5
/** Milliseconds without a byte. */
const idleTimeoutMs = 30_000
const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Begins to download a URL. Each host name, that of a redirect too, is resolved once and judged, and the
 * connection goes to that very address: a name that points elsewhere a moment later (DNS rebinding) changes
 * nothing. TLS is checked against the name. No proxy is used, and no credentials are sent.
 * @throws HostError saying what failed
 */
export async function download(url: URL, options: DownloadOptions): Promise<Download> {
  let at = url
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    checkUrl(at)
    const pinned = await pinAddress(at.hostname, options.allowPrivate, options.resolver ?? systemResolver)
    const response = await get(at, pinned, options)
    const { statusCode = 0, headers } = response
    if (statusCode === 200) {
      const length = Number(headers['content-length'] ?? Number.NaN)
      return { body: response, length: Number.isSafeInteger(length) ? length : null }
    }
    response.destroy()
    if (!redirects.has(statusCode)) throw new HostError(`${at.origin} answered ${statusCode} for the image.`)
    const next = URL.parse(headers.location ?? '', at)
    if (!next) throw new HostError(`${at.origin} redirects to nowhere.`)
    if (at.protocol === 'https:' && next.protocol !== 'https:') {
      throw new HostError(`${at.origin} redirects from https to ${next.protocol}//, which is refused.`)
    }
    at = next
  }
  throw new HostError(`The URL was redirected more than ${maxRedirects} times.`)
}

function checkUrl(url: URL): void {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new HostError(`Images come from https or http, not from ${url.protocol}//.`, { retryable: false })
  }
  if (url.username !== '' || url.password !== '') {
    throw new HostError('A URL with a user name or password in it is not taken.', { retryable: false })
  }
}

function get(
  url: URL,
  { address, family }: PinnedAddress,
  options: DownloadOptions,
): Promise<IncomingMessage> {
  const lookup: LookupFunction = (_name, { all }, callback) => {
    if (all) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new HostError(`${url.origin} could not be reached: ${error.message}.`, { cause: error }))
    const sent = request(
      url,
      {
        lookup,
        agent: false,
        signal: options.signal,
        timeout: idleTimeoutMs,
        headers: { 'user-agent': 'berth', accept: '*/*', 'accept-encoding': 'identity' },
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
      resolve,
    )
    sent.on('timeout', () => sent.destroy(new Error(`nothing arrived for ${idleTimeoutMs / 1000} s`)))
    sent.on('error', failed)
    sent.end()
  })
}
