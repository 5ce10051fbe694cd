// Who may ask for what: the names under which the page may be called, requests that other sites make in a reader's
// browser, and the token. Knows no route.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

export class Token {
  readonly #digest: Buffer

  constructor(secret: string) {
    this.#digest = digestOf(secret)
  }

  /** Takes as long for a wrong one as for the right one. */
  isIn({ authorization = '' }: IncomingHttpHeaders): boolean {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(authorization) ?? []
    return timingSafeEqual(digestOf(given), this.#digest)
  }
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  return bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

/**
 * A page that is for this machine alone is called by this machine's names. Another name that leads here is another
 * site's, which would let its scripts read ours (DNS rebinding).
 */
export function isForeignName({ host = '' }: IncomingHttpHeaders): boolean {
  const [, name = ''] = /^(\[[^\]]+\]|[^:]*)(?::\d+)?$/.exec(host) ?? []
  return !isLoopback(name)
}

/** A browser says whose page a request comes from. Links that lead here are fine; all else is ours to ask for. */
export function isCrossSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  const leadsHere = headers['sec-fetch-mode'] === 'navigate' && headers.origin === undefined
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !leadsHere) return true
  const { origin, host } = headers
  if (origin === undefined) return false
  return origin !== `http://${host}` && origin !== `https://${host}`
}
