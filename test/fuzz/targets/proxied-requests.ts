// Requests to the proxy: whatever bytes come, cut anywhere, they are the same requests, and memory that was taken for
// values is given back; and if the client goes on, so do its requests.
import type { InstrumentedPackages } from '../instrumented-package.ts'
import { Random } from '../random.ts'
import type { LoadTarget, Target } from '../target.ts'
import { goingOn, linesMayWait, packetsMayWait } from './going-on.ts'
import { BINARY_WORDS, cut, dependsOnPieces, SEEDS, TEXT_WORDS } from './vocabulary.ts'

interface ValueMemory {
  readonly used: number
}

/** What of both parsers of `proxy/` is used here. */
interface Parser {
  readonly request: Readonly<Record<string, unknown>> & { readonly kind?: string }
  readonly broken?: boolean
  feed(chunk: Buffer, length: number): void
  next(): boolean
  nextKey?(): boolean
  keep(): void
  close(): void
}

interface Modules {
  readonly ValueMemory: new (limit: number) => ValueMemory
  readonly RequestParser: new (limits: object) => Parser
  readonly BinaryRequestParser: new (limits: object) => Parser
}

const MEMORY_BYTES = 1024 * 1024
const MAX_VALUE_BYTES = 1000
/** Of a request, what tells it from others. */
const FIELDS = [
  ...['kind', 'key', 'flags', 'ttl', 'operand', 'metaFlags', 'quiet', 'text', 'opcode', 'command'],
  ...['opaque', 'cas', 'refusal'],
]

export function proxiedRequests(protocol: 'text' | 'binary'): LoadTarget {
  return async (packages: InstrumentedPackages): Promise<Target> => {
    const binary = protocol === 'binary'
    const file = binary ? 'binary-request-parser' : 'request-parser'
    const { ValueMemory } = await packages.load<Modules>('client', 'proxy/value-memory.js')
    const modules = await packages.load<Modules>('client', `proxy/${file}.js`)
    const Parser = binary ? modules.BinaryRequestParser : modules.RequestParser

    const parse = (pieces: Iterable<Uint8Array>): string => {
      const memory = new ValueMemory(MEMORY_BYTES)
      const parser = new Parser({ maxValueSize: MAX_VALUE_BYTES, memory })
      const seen: string[] = []
      for (const piece of pieces) {
        const chunk = Buffer.from(piece)
        parser.feed(chunk, chunk.length)
        while (!parser.broken && parser.next()) seen.push(described(parser))
        // The socket's memory is used again for what comes next.
        parser.keep()
        chunk.fill(0)
        if (parser.request.kind === 'quit') break
      }
      if (parser.broken) seen.push('broken')
      parser.close()
      if (memory.used !== 0) throw new Error(`${memory.used} bytes are lost`)
      return seen.join('\n')
    }
    const mustGoOn = (input: Uint8Array): void => {
      if (binary ? packetsMayWait(input, 0x80) : linesMayWait(input)) return
      const memory = new ValueMemory(MEMORY_BYTES)
      const parser = new Parser({ maxValueSize: MAX_VALUE_BYTES, memory })
      const chunk = Buffer.from(input)
      parser.feed(chunk, chunk.length)
      while (!parser.broken && parser.next());
      for (const piece of goingOn(binary ? undefined : 'mn')) {
        if (parser.broken) return
        parser.feed(piece, piece.length)
        if (parser.next()) return
      }
      if (!parser.broken) throw new Error('stuck: what the client goes on to ask is no request')
    }
    return {
      dictionary: binary ? BINARY_WORDS : TEXT_WORDS,
      modules: [
        new RegExp(`^client/proxy/${file}.js$`),
        binary ? /^client\/proxy\/value-memory/ : /^client\/proxy\/(?:numbers|value-memory)\.js$/,
      ],
      seeds: binary ? SEEDS.binary : [...SEEDS.classic, ...SEEDS.meta],
      run: (input) => {
        const whole = parse([input])
        mustGoOn(input)
        if (!binary && dependsOnPieces(input)) return
        const pieces = parse(cut(input, new Random(input.length)))
        if (whole === pieces) return
        throw new Error(`at once: ${JSON.stringify(whole)}, in pieces: ${JSON.stringify(pieces)}`)
      },
      check: () => {},
    }
  }
}

function described(parser: Parser): string {
  const { request } = parser
  const parts: unknown[] = []
  if (request.kind === 'list') {
    while (parser.nextKey?.() === true) parts.push(request.key)
  } else {
    parts.push(...FIELDS.map((field) => request[field]))
  }
  const data = request.data
  if (data instanceof Uint8Array && request.kind !== 'text') {
    parts.push(Buffer.from(data).toString('base64'))
  }
  return parts.map(String).join(' | ')
}
