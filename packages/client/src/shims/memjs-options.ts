// The servers and options of memjs, and its environment, as options of a client: what each becomes, and what is refused because
// it can't be honoured. Knows no command.
import { ArgumentError } from '../errors.ts'
import type { Credentials } from '../node/login.ts'
import type { TlsOptions } from '../node/tls.ts'
import type { ClientOptions } from '../options.ts'

/** As memjs calls it, with the operation's code and its extras: flags and expiry, as bytes. */
export interface Serializer {
  serialize(opcode: number, value: unknown, extras: Buffer | string): Serialized<string | Buffer>
  deserialize(opcode: number, value: Buffer, extras: Buffer): Serialized<unknown>
}

export interface Serialized<V> {
  readonly value: V
  readonly extras: Buffer | string
}

export interface MemjsOptions {
  /** Seconds that items live which don't say how long; 0 for ever. Beyond 30 days a Unix time. Default 0. */
  readonly expires?: number
  /** Seconds for a call. Default 0.5. */
  readonly timeout?: number
  /** Seconds for a connection. Default twice `timeout`. */
  readonly conntimeout?: number
  /**
   * The keys of a server that is down are at the next one meanwhile. When it returns, it may still hold values from before.
   * Default false: calls for them are errors.
   */
  readonly failover?: boolean
  /** Seconds between tries of a server that is down, at most. Default 60. */
  readonly failoverTime?: number
  /** Is told of servers that are down. Default: nobody is. */
  readonly logger?: { log(...messages: unknown[]): void }
  readonly serializer?: Serializer
  readonly username?: string
  readonly password?: string
  /** Of ours: `binary` for servers that speak nothing else. Default `meta`, but `binary` with a login. */
  readonly protocol?: 'meta' | 'binary'
  /** Of ours: encrypts the connections. */
  readonly tls?: TlsOptions
  /** Means nothing: what may be repeated is, within `timeout`. */
  readonly retries?: number
  /** Means nothing. */
  readonly retry_delay?: number
  /** Means nothing. */
  readonly keepAlive?: boolean
  /** Means nothing. */
  readonly keepAliveDelay?: number
}

const KNOWN: Readonly<Record<keyof MemjsOptions, true>> = {
  conntimeout: true,
  expires: true,
  failover: true,
  failoverTime: true,
  keepAlive: true,
  keepAliveDelay: true,
  logger: true,
  password: true,
  protocol: true,
  retries: true,
  retry_delay: true,
  serializer: true,
  timeout: true,
  tls: true,
  username: true,
}

const DEFAULT_TIMEOUT_SECONDS = 0.5
const DEFAULT_FAILOVER_SECONDS = 60
const PROBE_MIN_MS = 250

type Environment = Readonly<Record<string, string | undefined>>

/** @throws ArgumentError when something can't be honoured. */
export function clientOptionsOf(
  servers: string | undefined,
  options: MemjsOptions,
  environment: Environment,
): Omit<ClientOptions, 'codec' | 'keyForm'> {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(KNOWN, name)) continue
    throw new ArgumentError(`memjs has no option ${name}: leave it out`)
  }
  const { timeout = DEFAULT_TIMEOUT_SECONDS, conntimeout = 2 * timeout } = options
  const named =
    servers || environment.MEMCACHIER_SERVERS || environment.MEMCACHE_SERVERS || 'localhost:11211'
  const written = named.split(',').map(parseServer)
  const nodes = written.map(({ node }) => node)
  const auth = loginOf(written, options, environment)
  const max = (options.failoverTime ?? DEFAULT_FAILOVER_SECONDS) * 1000
  return {
    nodes,
    compat: 'memjs',
    timeout: timeout * 1000,
    connectTimeout: conntimeout * 1000,
    probe: { min: Math.min(PROBE_MIN_MS, max), max },
    onNodeDown: options.failover ? 'rehash' : 'error',
    protocol: options.protocol ?? (auth === undefined ? 'meta' : 'binary'),
    ...(auth === undefined ? {} : { auth }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  }
}

interface WrittenServer {
  readonly node: string
  readonly login: string
}

/** `user:pass@host:port`. */
function parseServer(text: string): WrittenServer {
  const at = text.lastIndexOf('@')
  const [host = '', port = '11211'] = text
    .slice(at + 1)
    .trim()
    .split(':')
  return { node: `${host}:${port}`, login: at < 0 ? '' : text.slice(0, at).trim() }
}

function loginOf(
  servers: readonly WrittenServer[],
  options: MemjsOptions,
  environment: Environment,
): Credentials | undefined {
  const [login = '', ...others] = new Set(servers.map(({ login }) => login))
  if (others.length > 0) {
    throw new ArgumentError('the servers have different logins: give one for all')
  }
  const [ofServer = '', ...rest] = login.split(':')
  const username =
    ofServer || options.username || environment.MEMCACHIER_USERNAME || environment.MEMCACHE_USERNAME
  const password =
    rest.join(':') ||
    options.password ||
    environment.MEMCACHIER_PASSWORD ||
    environment.MEMCACHE_PASSWORD
  return username && password ? { username, password } : undefined
}
