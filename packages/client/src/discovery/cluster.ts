// Nodes from the configuration endpoint of ElastiCache or Memorystore: `config get cluster`. Knows that one
// command and its answers; nothing of the nodes it names.
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { milliseconds } from '../arguments.ts'
import { ArgumentError, DiscoveryError } from '../errors.ts'
import { type NodeOptions, parseNode } from '../node/address.ts'
import { parseTls, type TlsOptions } from '../node/tls.ts'
import type { Discovery } from './discovery.ts'

export interface ClusterDiscoveryOptions {
  /** Milliseconds between questions. A failing node makes it ask at once. Default 60,000. */
  readonly interval?: number
  /** Milliseconds for one question, connecting included. Default 2,000. */
  readonly timeout?: number
  /**
   * Asks over TLS. Then nodes are connected to by their names, for the sake of their certificates; that they
   * are connected to over TLS is said by the client's `tls`. Default false.
   */
  readonly tls?: TlsOptions
}

/** An answer is a line per cluster and a few dozen bytes per node. */
const ANSWER_MAX_BYTES = 1024 * 1024
/** Engines before it have the configuration under a key. */
const CONFIG_COMMAND_SINCE = [1, 4, 14]

/**
 * The nodes of a cluster by its configuration endpoint (`mycluster.abc.cfg.use1.cache.amazonaws.com:11211`, or
 * Memorystore's discovery endpoint). On the ring a node is its host name, as for the clients of AWS.
 */
export function clusterDiscovery(
  endpoint: string,
  options: ClusterDiscoveryOptions = {},
): Discovery {
  const { host, port } = parseNode(endpoint)
  const interval = milliseconds('interval', options.interval ?? 60_000)
  const timeout = milliseconds('timeout', options.timeout ?? 2_000)
  const tls = parseTls(options.tls ?? false)
  if (host === '') throw new ArgumentError('a configuration endpoint is a host and a port')
  const open = (): Socket =>
    tls === false ? connect({ host, port }) : tlsConnect({ servername: host, ...tls, host, port })
  return {
    async *watch({ signal, pause }) {
      let lastVersion = -1
      try {
        for (;;) {
          const { version, nodes } = parseCluster(await ask(open(), timeout, signal), tls !== false)
          // The endpoint is any of the nodes, and one may not know yet what another has said.
          if (version > lastVersion) {
            lastVersion = version
            yield nodes
          }
          await pause(interval)
        }
      } catch (cause) {
        throw new DiscoveryError(`${endpoint} tells of no cluster: ${(cause as Error).message}`, {
          cause,
        })
      }
    },
  }
}

/** The lines of the configuration, by whichever command the engine has for it. */
async function ask(socket: Socket, timeout: number, signal: AbortSignal): Promise<string> {
  const giveUp = (): void => {
    socket.destroy(new Error('nobody follows any more'))
  }
  socket.on('error', () => {})
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no answer within ${timeout} ms`))
  }, timeout)
  signal.addEventListener('abort', giveUp)
  try {
    socket.setEncoding('utf8')
    const version = await exchange(socket, 'version', /\r\n$/)
    const [command, form] = hasConfigCommand(version)
      ? ['config get cluster', /^CONFIG cluster \d+ \d+\r\n([\s\S]*?)\r\n(?:\r\n)?END\r\n$/]
      : [
          'get AmazonElastiCache:cluster',
          /^VALUE AmazonElastiCache:cluster \d+ \d+\r\n([\s\S]*?)\r\nEND\r\n$/,
        ]
    const answer = await exchange(socket, command as string, /(?:^|\n)END\r\n$|^\w*ERROR.*\r\n$/)
    const [, lines] = (form as RegExp).exec(answer) ?? []
    if (lines === undefined) {
      throw new Error(`it answered ${command} with ${JSON.stringify(answer.slice(0, 100))}`)
    }
    return lines
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    socket.destroy()
  }
}

function hasConfigCommand(answer: string): boolean {
  const numbers = /^VERSION \D*(\d+)\.(\d+)\.(\d+)/.exec(answer)
  if (numbers === null) {
    throw new Error(`it answered version with ${JSON.stringify(answer.slice(0, 100))}`)
  }
  for (const [place, least] of CONFIG_COMMAND_SINCE.entries()) {
    const number = Number(numbers[place + 1])
    if (number !== least) return number > least
  }
  return true
}

/** Sends one line and reads until what has come matches `end`. */
function exchange(socket: Socket, command: string, end: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const settle = (settled: () => void): void => {
      socket.off('data', read).off('error', reject).off('end', ended)
      settled()
    }
    const ended = (): void => settle(() => reject(new Error('it closed the connection')))
    const read = (chunk: string): void => {
      text += chunk
      if (end.test(text.slice(-1024))) settle(() => resolve(text))
      else if (text.length > ANSWER_MAX_BYTES) {
        settle(() => reject(new Error(`its answer to ${command} has no end`)))
      }
    }
    socket.on('data', read).on('error', reject).on('end', ended)
    socket.write(`${command}\r\n`)
  })
}

/**
 * A line with the version of the configuration, then `hostname|ip|port` for each node, separated by spaces. The ip
 * may be empty, as may the hostname when there is no name.
 */
function parseCluster(text: string, byName: boolean): { version: number; nodes: NodeOptions[] } {
  const [first = '', second = ''] = text.split(/\r?\n/)
  if (!/^\d+$/.test(first)) {
    throw new Error(`${JSON.stringify(first.slice(0, 100))} is no version of a configuration`)
  }
  const nodes = second
    .split(' ')
    .filter((entry) => entry !== '')
    .map((entry): NodeOptions => {
      const [hostname = '', ip = '', port = '', ...rest] = entry.split('|')
      if ((hostname === '' && ip === '') || !/^\d+$/.test(port) || rest.length > 0) {
        throw new Error(`${JSON.stringify(entry)} is not of the form hostname|ip|port`)
      }
      const { name } = parseNode({ host: hostname || ip, port: Number(port) })
      return {
        name,
        host: (byName ? hostname || ip : ip || hostname) as string,
        port: Number(port),
      }
    })
  return { version: Number(first), nodes }
}
