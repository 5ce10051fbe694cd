// Reads `-l`: which addresses to listen on. Knows nothing of sockets, and resolves no names.
import { isIPv4, isIPv6 } from 'node:net'
import type { ListenAddress } from '../transport/listeners.ts'
import { CommandLineError, EX_USAGE } from './option-values.ts'

/**
 * Reads a list of `host`, `host:port`, `[v6]`, `[v6]:port`, `v6` or `*`, divided by commas or
 * semicolons, as memcached does; each address once.
 * @throws CommandLineError naming the address that can't be one.
 */
export function parseListenAddresses(list: string, defaultPort: number): readonly ListenAddress[] {
  const addresses = new Map<string, ListenAddress>()
  for (const text of list.split(/[,;]/)) {
    if (text === '') continue
    const address = parseListenAddress(text, defaultPort)
    addresses.set(`${address.host} ${address.port}`, address)
  }
  if (addresses.size === 0) throw refusal(list, 'gives no address to listen on')
  return [...addresses.values()]
}

function parseListenAddress(text: string, defaultPort: number): ListenAddress {
  if (/^(notls|btls|mtls):/.test(text)) throw refusal(text, 'asks for TLS, which is not there yet')
  if (/^(proto|tag)[[_]/.test(text)) {
    throw refusal(text, 'has a proto or tag prefix, which is not there yet')
  }

  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text)
  if (bracketed !== null) {
    const [, host, port] = bracketed
    if (!isIPv6(host)) throw refusal(text, 'has no IPv6 address between its brackets')
    return { host, port: parsePort(text, port, defaultPort) }
  }
  if (isIPv6(text)) return { host: text, port: defaultPort }

  const [host, port, ...rest] = text.split(':')
  if (rest.length > 0) throw refusal(text, 'is not an IPv6 address')
  return { host: parseHost(text, host), port: parsePort(text, port, defaultPort) }
}

function parseHost(text: string, host: string): string | undefined {
  if (host === '*') return undefined
  if (/^\d+(\.\d+){3}$/.test(host)) {
    if (isIPv4(host)) return host
  } else if (/^[\w.-]+$/.test(host)) {
    return host
  }
  throw refusal(text, 'has no valid host name or address')
}

function parsePort(text: string, port: string | undefined, defaultPort: number): number {
  if (port === undefined) return defaultPort
  if (/^\d+$/.test(port) && Number(port) <= 65535) return Number(port)
  throw refusal(text, `has an invalid port number: "${port}"`)
}

function refusal(text: string, reason: string): CommandLineError {
  return new CommandLineError(`The listen address (-l) "${text}" ${reason}.`, EX_USAGE)
}
