// Who may ask: the names under which the port may be called, and requests that other sites make in a reader's browser.
// The rules are those of the server's admin port, and tests hold both to the same list. Knows no route.
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  return bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

/**
 * A port that is for this machine alone is called by this machine's names. Another name that leads here is another
 * site's, which would let its scripts read ours (DNS rebinding).
 */
export function isForeignName({ host = '' }: IncomingHttpHeaders): boolean {
  const [, name = ''] = /^(\[[^\]]+\]|[^:]*)(?::\d+)?$/.exec(host) ?? []
  return !isLoopback(name)
}

/** A browser says whose page a request comes from. Links that lead here are fine. */
export function isCrossSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  const leadsHere = headers['sec-fetch-mode'] === 'navigate' && headers.origin === undefined
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !leadsHere) return true
  const { origin, host } = headers
  if (origin === undefined) return false
  return origin !== `http://${host}` && origin !== `https://${host}`
}
