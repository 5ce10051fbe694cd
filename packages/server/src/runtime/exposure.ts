// Whether anybody on the network may use the cache: a listener beyond this machine that asks nobody who he is. Knows
// settings; what an operator reads is said here, once at the start.
import { isIPv4 } from 'node:net'
import type { ListenAddress } from '../transport/listeners.ts'
import type { Settings } from './settings.ts'

/** A sentence or two for the log; undefined if there is nothing to warn of, or the network is said to be trusted. */
export function exposureWarning(settings: Settings): string | undefined {
  if (settings.networkTrusted || settings.authFile !== undefined || settings.saslEnabled) {
    return undefined
  }
  const open = [
    ...settings.tcpAddresses.filter(isOpen).map(inWords),
    ...settings.udpAddresses.filter(isOpen).map((address) => `UDP ${inWords(address)}`),
  ]
  if (open.length === 0) return undefined
  return (
    `ANYBODY who can reach ${open.join(', ')} may read, change and delete everything: no login is asked for. ` +
    'Listen on this machine alone (-l 127.0.0.1), have clients log in (-Y, -S) or show certificates (-Z with ' +
    'ssl_verify_mode=2); or say that everybody who can reach it may (--trusted-network).'
  )
}

/** Reached from elsewhere, and not by certificate alone. */
function isOpen({ host, clientCertificates }: ListenAddress): boolean {
  return clientCertificates !== 'required' && !isLoopback(host)
}

/** A name may stand for any address. */
function isLoopback(host: string | undefined): boolean {
  if (host === undefined) return false
  const mapped = /^::ffff:([\d.]+)$/i.exec(host)?.[1] ?? host
  if (isIPv4(mapped)) return mapped.startsWith('127.')
  return host === '::1' || host.toLowerCase() === 'localhost'
}

function inWords({ host, port }: ListenAddress): string {
  const where = host === undefined ? 'any address of this machine' : host
  return port === 0 ? where : `${where}, port ${port}`
}
