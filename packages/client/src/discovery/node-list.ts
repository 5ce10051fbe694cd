// Lists of nodes as people write them: a line of text each, or JSON. Knows the forms, not where the text
// is from.
import { ArgumentError } from '../errors.ts'
import type { NodeSpec } from '../node/address.ts'

const FIELDS = { host: 'string', port: 'number', path: 'string', weight: 'number', name: 'string' }

/** One node a line (`#` begins a comment), or a JSON array. @throws ArgumentError */
export function parseNodeList(text: string): NodeSpec[] {
  // `[` also begins the address of an IPv6 node.
  if (/^\s*\[\s*["{\]]/.test(text)) {
    const list: unknown = parseJson(text)
    if (Array.isArray(list)) return list.map(nodeFromJson)
  }
  return text
    .split('\n')
    .map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
    .map(parseNodeLine)
}

/**
 * `host`, `host:port`, `[v6]:port` or `/path`, with `:weight` behind a port or path, as dalli and
 * twemproxy write it, and then a name behind a space, as twemproxy does.
 */
export function parseNodeLine(line: string): NodeSpec {
  const [place = '', name, ...rest] = line.trim().split(/\s+/)
  if (rest.length > 0) {
    throw new ArgumentError(
      `${JSON.stringify(line)} is no node: write host:port, host:port:weight or host:port:weight name`,
    )
  }
  const options = withWeight(place)
  if (name === undefined) return options ?? place
  return { ...(options ?? inParts(place)), name }
}

/** A string as above, or an object with some of host, port, path, weight and name. */
export function nodeFromJson(value: unknown): NodeSpec {
  if (typeof value === 'string') return parseNodeLine(value)
  const fields = new Map(Object.entries(value ?? {}))
  const node: Record<string, unknown> = {}
  for (const [field, type] of Object.entries(FIELDS)) {
    const given = fields.get(field)
    if (given === undefined) continue
    if (typeof given !== type) {
      throw new ArgumentError(`the node ${JSON.stringify(value)} needs a ${type} as its ${field}`)
    }
    node[field] = given
  }
  return node
}

function withWeight(place: string): Exclude<NodeSpec, string> | undefined {
  const tcp = /^(\[[^\]]+\]|[^:[\]/]+):(\d+):(\d+)$/.exec(place)
  if (tcp !== null) {
    const [, host = '', port, weight] = tcp
    return { host: host.replace(/[[\]]/g, ''), port: Number(port), weight: Number(weight) }
  }
  const unix = /^(\/.*):(\d+)$/.exec(place)
  return unix === null ? undefined : { path: unix[1]!, weight: Number(unix[2]) }
}

function inParts(place: string): Exclude<NodeSpec, string> {
  if (place.startsWith('/')) return { path: place }
  const [, host = place, port] = /^(\[[^\]]+\]|[^:[\]]+):(\d+)$/.exec(place) ?? []
  const plain = host.replace(/[[\]]/g, '')
  return port === undefined ? { host: plain } : { host: plain, port: Number(port) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ArgumentError(`the list of nodes is no JSON: ${(cause as Error).message}`, { cause })
  }
}
