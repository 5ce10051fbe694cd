// The nodes and the login that the environment names, as memjs, dalli and their hosts write them. Read
// once: an environment doesn't change. Knows no client.
import { ArgumentError } from '../errors.ts'
import type { NodeSpec } from '../node/address.ts'
import type { Credentials } from '../node/login.ts'
import { parseNodeLine } from './node-list.ts'

export interface EnvironmentOptions {
  /** Default: the first of `MEMCACHE_SERVERS` and `MEMCACHIER_SERVERS` that is set. */
  readonly variable?: string
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface FromEnvironment {
  readonly nodes: readonly NodeSpec[]
  readonly auth?: Credentials
}

const VARIABLES = ['MEMCACHE_SERVERS', 'MEMCACHIER_SERVERS']

/**
 * Options of a client: `new Client({ ...fromEnvironment(), timeout: 100 })`. The variable holds nodes
 * separated by commas or spaces: `host`, `host:port`, `host:port:weight`, `[v6]:port`, `/path/of/socket`. The
 * login is `user:password@` before the nodes, the same for all, or in `MEMCACHE_USERNAME` and
 * `MEMCACHE_PASSWORD` (`MEMCACHIER_` likewise).
 * @throws ArgumentError when the variable is not set or can't be understood.
 */
export function fromEnvironment(options: EnvironmentOptions = {}): FromEnvironment {
  const env = options.env ?? process.env
  const variables = options.variable === undefined ? VARIABLES : [options.variable]
  const variable = variables.find((name) => env[name]?.trim())
  if (variable === undefined) {
    throw new ArgumentError(`${variables.join(' or ')} must be set: nodes separated by commas`)
  }
  const logins = new Map<string, Credentials>()
  const nodes = env[variable]!.split(/[,\s]+/)
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.lastIndexOf('@')
      if (at === -1) return parseNodeLine(part)
      const login = loginOf(part.slice(0, at), variable)
      logins.set(JSON.stringify(login), login)
      return parseNodeLine(part.slice(at + 1))
    })
  if (logins.size > 1) {
    throw new ArgumentError(`${variable} has several logins: a client logs in everywhere alike`)
  }
  const prefix = variable.startsWith('MEMCACHIER') ? 'MEMCACHIER' : 'MEMCACHE'
  const username = env[`${prefix}_USERNAME`]
  const password = env[`${prefix}_PASSWORD`]
  const [auth = username && password ? { username, password } : undefined] = logins.values()
  return auth === undefined ? { nodes } : { nodes, auth }
}

// Said without the text: it has a password.
function loginOf(text: string, variable: string): Credentials {
  const [, username, password] = /^([^:]+):(.+)$/.exec(text) ?? []
  if (username === undefined || password === undefined) {
    throw new ArgumentError(`${variable} has a login that is not of the form user:password@`)
  }
  return { username: decode(username, variable), password: decode(password, variable) }
}

function decode(part: string, variable: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new ArgumentError(`${variable} has a login with a % that begins no %xx`, { cause })
  }
}
