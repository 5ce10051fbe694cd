// What a load consists of, as a plain record: which operations, on how many keys, over how many
// connections. Knows no bytes and no sockets: tape.ts makes requests of it, load/ plays them.
import { BenchError } from '../errors.ts'

export interface Workload {
  readonly name: string
  /** `classic`: get and set. `meta`: mg and ms; more than one key per get is sent as quiet mg's and an mn. */
  readonly protocol: 'classic' | 'meta'
  /** How many gets go with how many sets: `{ gets: 9, sets: 1 }`. */
  readonly ratio: Ratio
  /** Distinct keys, each asked for equally often in random order. */
  readonly keys: number
  readonly keyBytes: number
  readonly valueBytes: number
  /** Keys asked for by one get request. An operation is one key, so throughput and cost are per key. */
  readonly keysPerGet: number
  readonly connections: number
  /** Requests a connection sends in one piece; it sends the next ones when all of these are answered. */
  readonly depth: number
  /**
   * The server's memory (`-m`, in megabytes) where it is less than the keys take, so that the server
   * evicts: then a miss of a key that was stored is no error. Undefined: there is room for all.
   */
  readonly memoryMegabytes?: number
}

export interface Ratio {
  readonly gets: number
  readonly sets: number
}

/** memcached's own limit. */
export const KEY_BYTES_MAX = 250

export const DEFAULT_WORKLOAD: Workload = {
  name: 'custom',
  protocol: 'classic',
  ratio: { gets: 1, sets: 0 },
  keys: 10_000,
  keyBytes: 16,
  valueBytes: 100,
  keysPerGet: 1,
  connections: 50,
  depth: 1,
}

/** Reads `9:1` as nine gets for each set. */
export function parseRatio(text: string): Ratio {
  const match = /^(\d+):(\d+)$/.exec(text)
  const gets = Number(match?.[1])
  const sets = Number(match?.[2])
  if (!match || gets + sets === 0) {
    throw new BenchError('USAGE', `"${text}" is no get:set ratio: write it like 9:1, 1:0 or 0:1`)
  }
  return { gets, sets }
}

/** Throws a {@link BenchError} that names the contradiction, if there is one. */
export function checkWorkload(workload: Workload): void {
  const digits = String(workload.keys - 1).length
  if (workload.keyBytes < digits || workload.keyBytes > KEY_BYTES_MAX) {
    throw new BenchError(
      'USAGE',
      `${workload.keys} keys need a --key-size from ${digits} to ${KEY_BYTES_MAX} bytes, not ${workload.keyBytes}`,
    )
  }
  if (workload.keysPerGet > workload.keys) {
    throw new BenchError(
      'USAGE',
      `--multiget ${workload.keysPerGet} asks for more keys at once than the ${workload.keys} of --keys`,
    )
  }
}

/** One line for the head of a report. */
export function describeWorkload(workload: Workload): string {
  const { ratio, protocol } = workload
  const get = protocol === 'meta' ? 'mg' : 'get'
  const set = protocol === 'meta' ? 'ms' : 'set'
  const width = workload.keysPerGet > 1 ? ` of ${workload.keysPerGet} keys` : ''
  const quiet = protocol === 'meta' && workload.keysPerGet > 1 ? 'quiet ' : ''
  const operations =
    ratio.sets === 0
      ? `${quiet}${get}${width}`
      : ratio.gets === 0
        ? set
        : `${ratio.gets} ${quiet}${get}${width} : ${ratio.sets} ${set}`
  return (
    `${operations}, ${workload.keys} keys of ${workload.keyBytes} B, values of ${workload.valueBytes} B, ` +
    `${workload.connections} connections, ${workload.depth} in flight on each` +
    (workload.memoryMegabytes === undefined ? '' : `, -m ${workload.memoryMegabytes}`)
  )
}
