// Reads `--register` and `--register-as`: where the node is to be found by clients, and in which etcd it says so.
// Knows URLs and addresses; asks nobody.
import { isIP } from 'node:net'
import type { ListenAddress } from '../transport/listeners.ts'
import { CommandLineError, EX_USAGE } from './option-values.ts'

export interface RegistrationSettings {
  /** `http://host:2379` of one or more members. */
  readonly endpoints: readonly string[]
  readonly auth: { readonly username: string; readonly password: string } | undefined
  /** What the node's key begins with; undefined: as the client's discovery has it. */
  readonly prefix: string | undefined
  /** From the death of the node to its leaving the pools. */
  readonly ttlSeconds: number | undefined
  /** Where clients reach it; port 0: the one that it listens on. */
  readonly host: string
  readonly port: number
}

const FORM = 'etcd://[user:password@]host[:port][,host[:port]][/prefix][?ttl=seconds]'
const URL_PARTS =
  /^etcd(?<secure>s?):\/\/(?:(?<login>[^@/]*)@)?(?<members>[^/?]+)(?<prefix>\/[^?]*)?(?:\?ttl=(?<ttl>\d{1,5}))?$/
const MEMBER = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i
const ETCD_PORT = 2379

export type EtcdAddress = Omit<RegistrationSettings, 'host' | 'port'>

/**
 * `etcd://` for members that are asked in clear text, `etcds://` for TLS.
 * @throws CommandLineError
 */
export function parseEtcdUrl(text: string): EtcdAddress {
  const parts = URL_PARTS.exec(text)?.groups
  const members = parts?.members.split(',') ?? []
  if (parts === undefined || !members.every((member) => MEMBER.test(member))) {
    throw usage(`Where to register (--register) must be ${FORM}, not "${text}".`)
  }
  const { secure, login, prefix, ttl } = parts
  if (ttl !== undefined && Number(ttl) === 0) {
    throw usage('The time to live of a registration (--register, ttl) must be 1 second at least.')
  }
  const scheme = secure === 's' ? 'https' : 'http'
  return {
    endpoints: members.map(
      (member) => `${scheme}://${/:\d+$/.test(member) ? member : `${member}:${ETCD_PORT}`}`,
    ),
    auth: login === undefined ? undefined : parseLogin(login),
    prefix: prefix === undefined || prefix === '/' ? undefined : withSlash(prefix),
    ttlSeconds: ttl === undefined ? undefined : Number(ttl),
  }
}

function parseLogin(login: string): { username: string; password: string } {
  const [username, password] = login.split(':')
  if (!username || password === undefined) {
    throw usage(`The login of etcd (--register) must be user:password, with % for other signs.`)
  }
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    throw usage('The login of etcd (--register) has a % that no two digits follow.')
  }
}

/** Keys stand right behind the prefix. */
function withSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix : `${prefix}/`
}

/**
 * `host:port`, or `host` for the port that the node listens on.
 * @throws CommandLineError
 */
export function parseAdvertised(text: string): Pick<RegistrationSettings, 'host' | 'port'> {
  const [, bracketed, plain, digits = '0'] =
    /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port > 65_535 || isWildcard(host)) {
    throw usage(
      `The address to register (--register-as) must be one that clients reach, host:port, not "${text}".`,
    )
  }
  return { host, port }
}

/**
 * The address that clients reach if nobody has said it: the one that is listened on, if that is one address.
 * @throws CommandLineError
 */
export function advertisedBy(
  addresses: readonly ListenAddress[],
): Pick<RegistrationSettings, 'host' | 'port'> {
  const host = addresses.at(0)?.host
  if (host === undefined || isWildcard(host)) {
    throw usage(
      'Registering (--register) needs the address that clients reach: --register-as host:port, or one address to listen on (-l).',
    )
  }
  return { host, port: addresses[0].port }
}

function isWildcard(host: string): boolean {
  return isIP(host) !== 0 && /^[0:.]+$/.test(host)
}

function usage(message: string): CommandLineError {
  return new CommandLineError(message, EX_USAGE)
}
