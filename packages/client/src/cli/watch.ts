// `watch`: what happens in every node, as it happens, until the user has seen enough.
// Knows that lines have `name=value` parts, not what they say.
import { ArgumentError, ServerError } from '../errors.ts'
import type { NodeAddress } from '../node/address.ts'
import { LineConnection } from '../node/line-connection.ts'
import { Transport } from '../node/transport.ts'
import type { Run } from './session.ts'
import { EXIT_DONE } from './surroundings.ts'

export function watch(kinds: readonly string[]): Run {
  for (const kind of kinds) {
    if (!/^\w{1,40}$/.test(kind))
      throw new ArgumentError(`${JSON.stringify(kind)} is nothing to watch`)
  }
  return async ({ nodes, output, timeout, surroundings }) => {
    const { signal } = surroundings
    const command = `watch ${kinds.length === 0 ? 'fetchers mutations evictions' : kinds.join(' ')}`
    const width = Math.max(...nodes.map(({ name }) => name.length))
    const ended = new AbortController()
    const either = AbortSignal.any([signal, ended.signal])
    const following = nodes.map(async (node) => {
      for await (const line of linesOf(node, command, timeout, either)) {
        if (output.json) await output.document({ node: node.name, ...partsOf(line) })
        else await output.line(nodes.length === 1 ? line : `${node.name.padEnd(width)}  ${line}`)
      }
    })
    try {
      await Promise.all(following)
    } finally {
      ended.abort()
      await Promise.allSettled(following)
    }
    return EXIT_DONE
  }
}

/** What the node tells until it or the user ends it; it may be silent for ever. */
async function* linesOf(
  address: NodeAddress,
  command: string,
  connectTimeout: number,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const { name } = address
  const options = { connectTimeout, login: undefined }
  let connection: LineConnection | undefined
  try {
    connection = await LineConnection.open(name, new Transport(address, false), options, signal)
    for await (const line of connection.ask(command, { signal })) {
      if (REFUSAL.test(line)) {
        throw new ServerError(`${name} refused "${command}": ${line}`, { node: name })
      }
      if (line !== 'OK') yield line
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    connection?.close()
  }
}

const REFUSAL = /^(?:ERROR|CLIENT_ERROR|SERVER_ERROR)\b/

function partsOf(line: string): Record<string, string> {
  const parts = line.split(' ').filter((part) => part.includes('='))
  return Object.fromEntries(parts.map((part) => splitAtFirst(part, part.indexOf('='))))
}

function splitAtFirst(text: string, at: number): [string, string] {
  return [text.slice(0, at), text.slice(at + 1)]
}
