// Reads `-l`: which addresses to listen on. Knows nothing of sockets, and resolves no names.
import { isIPv4, isIPv6 } from 'node:net'
import type { BindingProtocol } from '../protocol/binding-protocol.ts'
import type { ClientCertificates, ListenAddress } from '../transport/listeners.ts'
import { CommandLineError, EX_USAGE } from './option-values.ts'

const PROTOCOLS: Readonly<Record<string, BindingProtocol>> = {
  ascii: 'ascii',
  binary: 'binary',
  negotiating: 'auto',
}
const PROTOCOL_PREFIX = /^proto(?:\[([^\]]*)\]|_([^_]*)_):/
const TAG_PREFIX = /^tag(?:\[([^\]]*)\]|_([^_]*)_):/
const MAX_TAG_LENGTH = 8
/** Clear text; TLS that asks for no certificate of clients; TLS that demands one. */
const TLS_PREFIX = /^(notls|btls|mtls):/

/**
 * Reads a list of `host`, `host:port`, `[v6]`, `[v6]:port`, `v6` or `*`, each perhaps after prefixes,
 * divided by commas or semicolons, as memcached does; each address once.
 * @param clientCertificates what becomes of them where an address doesn't say; undefined: there is no TLS.
 * @throws CommandLineError naming the address that can't be one.
 */
export function parseListenAddresses(
  list: string,
  defaultPort: number,
  clientCertificates?: ClientCertificates,
): readonly ListenAddress[] {
  const addresses = new Map<string, ListenAddress>()
  for (const text of list.split(/[,;]/)) {
    if (text === '') continue
    const address = parseListenAddress(text, defaultPort, clientCertificates)
    addresses.set(`${address.host} ${address.port}`, address)
  }
  if (addresses.size === 0) throw refusal(list, 'gives no address to listen on')
  return [...addresses.values()]
}

function parseListenAddress(
  text: string,
  defaultPort: number,
  clientCertificates: ClientCertificates | undefined,
): ListenAddress {
  const { protocol, tls, rest } = takePrefixes(text)
  const address = { ...parseAddress(text, rest, defaultPort), ...(protocol && { protocol }) }
  if (clientCertificates === undefined || tls === 'notls') return address
  const asked = { btls: 'ignored', mtls: 'required' } as const
  return { ...address, clientCertificates: tls === undefined ? clientCertificates : asked[tls] }
}

/**
 * What memcached lets stand before an address, in its order: `notls:` (or `btls:`, `mtls:`), `proto[ascii]:` or `proto_ascii_:`,
 * `tag[blue]:` or `tag_blue_:`. A tag is for its proxy's routes, and means nothing to anybody else.
 */
function takePrefixes(text: string): {
  readonly tls: 'notls' | 'btls' | 'mtls' | undefined
  readonly protocol: BindingProtocol | undefined
  readonly rest: string
} {
  const tls = TLS_PREFIX.exec(text)?.[1] as 'notls' | 'btls' | 'mtls' | undefined
  let rest = text.replace(TLS_PREFIX, '')
  let protocol: BindingProtocol | undefined
  const proto = PROTOCOL_PREFIX.exec(rest)
  if (proto !== null) {
    const name = proto[1] ?? proto[2]
    if (name === 'proxy') throw refusal(text, 'asks for the proxy, which is not there yet')
    protocol = PROTOCOLS[name]
    if (protocol === undefined) {
      throw refusal(text, `asks for the protocol "${name}": it can be ascii, binary or negotiating`)
    }
    rest = rest.slice(proto[0].length)
  }
  const tag = TAG_PREFIX.exec(rest)
  if (tag !== null) {
    const { length } = tag[1] ?? tag[2]
    if (length < 1 || length > MAX_TAG_LENGTH) {
      throw refusal(text, `has a tag that is not of 1 to ${MAX_TAG_LENGTH} characters`)
    }
    rest = rest.slice(tag[0].length)
  }
  return { tls, protocol, rest }
}

function parseAddress(text: string, address: string, defaultPort: number): ListenAddress {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(address)
  if (bracketed !== null) {
    const [, host, port] = bracketed
    if (!isIPv6(host)) throw refusal(text, 'has no IPv6 address between its brackets')
    return { host, port: parsePort(text, port, defaultPort) }
  }
  if (address.includes(':') && isIPv6(address)) return { host: address, port: defaultPort }

  const [host, port, ...rest] = address.split(':')
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
