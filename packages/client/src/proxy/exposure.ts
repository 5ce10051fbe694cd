// Where anybody on a network may use the proxy. Knows addresses and what is asked of who comes there.
import { isIPv4 } from 'node:net'
import type { ProxyConfiguration } from './configuration.ts'

/** The hosts beyond this machine at which a client needs neither a login nor a certificate. */
export function exposedHosts({ listen, logins }: ProxyConfiguration): readonly string[] {
  if (logins !== undefined) return []
  return listen
    .filter(({ path, tls }) => path === '' && tls?.clientCertificates !== 'required')
    .map(({ host }) => host)
    .filter((host) => !isLoopback(host))
}

/** A name may stand for any address, also one that begins as those of this machine do. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
