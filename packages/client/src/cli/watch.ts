// `watch`: what happens in every node, as it happens, until the user has seen enough.
// Knows that lines have `name=value` parts, not what they say.
import { ArgumentError } from '../errors.ts'
import { linesOf } from './line-stream.ts'
import type { Run } from './session.ts'
import { EXIT_DONE } from './surroundings.ts'

export function watch(kinds: readonly string[]): Run {
  for (const kind of kinds) {
    if (!/^\w{1,40}$/.test(kind))
      throw new ArgumentError(`${JSON.stringify(kind)} is nothing to watch`)
  }
  return async ({ nodes, output, surroundings }) => {
    const { signal } = surroundings
    const command = `watch ${kinds.length === 0 ? 'fetchers mutations evictions' : kinds.join(' ')}`
    const width = Math.max(...nodes.map(({ name }) => name.length))
    const ended = new AbortController()
    const either = AbortSignal.any([signal, ended.signal])
    const following = nodes.map(async (node) => {
      for await (const line of linesOf(node, command, { silence: undefined, signal: either })) {
        if (line === 'OK') continue
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

function partsOf(line: string): Record<string, string> {
  const parts = line.split(' ').filter((part) => part.includes('='))
  return Object.fromEntries(parts.map((part) => splitAtFirst(part, part.indexOf('='))))
}

function splitAtFirst(text: string, at: number): [string, string] {
  return [text.slice(0, at), text.slice(at + 1)]
}
