// Answers of a node to the client: whatever bytes come, cut anywhere, they are the same answers, or a ProtocolError;
// and if the node goes on, so do the answers.
import type { InstrumentedPackages } from '../instrumented-package.ts'
import { Random } from '../random.ts'
import { type LoadTarget, type Target, words } from '../target.ts'
import { goingOn, linesMayWait, packetsMayWait } from './going-on.ts'
import { PACKET_HEADER_BYTES } from './vocabulary.ts'

interface Answer {
  readonly status: number
  readonly line: string
  readonly size: number
  readonly cas: string
  readonly flags: number
  bytes(): Buffer
}

interface Parser {
  push(chunk: Buffer, length: number): void
}

/** What of `wire/answer-parser.ts` and `wire/binary-answer-parser.ts` is used here. */
type ParserClass = new (onAnswer: (answer: Answer) => void) => Parser

/** What a parser may hold for an answer that never ends: values larger than this are not waited for. */
const MAX_PIECE_BYTES = 300

/** Up to the most, a packet is waited for. */
const MUCH_BYTES = 1024 * 1024
const MOST_BYTES = 1024 ** 3 + 1024

export type AnswerProtocol = 'meta' | 'binary'

const PARSERS: Record<AnswerProtocol, readonly [file: string, name: string]> = {
  meta: ['wire/answer-parser.js', 'AnswerParser'],
  binary: ['wire/binary-answer-parser.js', 'BinaryAnswerParser'],
}

export function answers(protocol: AnswerProtocol): LoadTarget {
  return async (packages: InstrumentedPackages): Promise<Target> => {
    const [file, name] = PARSERS[protocol]
    const Parser = (await packages.load<Record<string, ParserClass>>('client', file))[name]
    const { ProtocolError } = await packages.load<{
      readonly ProtocolError: new (message: string) => Error
    }>('client', 'errors.js')

    /** What came of the bytes, as text. */
    const parse = (pieces: readonly Uint8Array[]): string => {
      const seen: string[] = []
      const parser = new Parser((answer) => {
        const { status, line, size, cas, flags } = answer
        seen.push(`${status} ${line} ${size} ${cas} ${flags} ${answer.bytes().toString('base64')}`)
      })
      // One buffer for all pieces, as a socket's: what was read of it may be gone with the next.
      const chunk = Buffer.alloc(Math.max(1, ...pieces.map(({ length }) => length)))
      try {
        for (const piece of pieces) {
          chunk.fill(0xaa)
          chunk.set(piece)
          parser.push(chunk, piece.length)
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        seen.push('protocol error')
      }
      return seen.join('\n')
    }
    const mustGoOn = (input: Uint8Array): void => {
      const mayWait = protocol === 'meta' ? linesMayWait(input) : packetsMayWait(input, 0x81)
      if (mayWait) return
      let begun = false
      let answered = false
      const parser = new Parser(() => {
        answered = begun
      })
      try {
        parser.push(Buffer.from(input), input.length)
        begun = true
        for (const piece of goingOn(protocol === 'meta' ? 'MN' : undefined)) {
          parser.push(piece, piece.length)
          if (answered) return
        }
      } catch (error) {
        if (error instanceof ProtocolError) return
        throw error
      }
      throw new Error('stuck: what the node goes on to say is never an answer')
    }
    return {
      dictionary: protocol === 'binary' ? BINARY_WORDS : META_WORDS,
      seeds: protocol === 'binary' ? BINARY_SEEDS : META_SEEDS,
      modules: [new RegExp(`^client/${file}$`), /^client\/wire\/answer\.js$/],
      run: (input) => {
        // Memory for what is announced is taken at once. That costs time, and leads nowhere further.
        if (protocol === 'binary' && announcesMuch(input) && input.length % 16 > 0) return
        const [whole, cut] = [parse([input]), parse(pieces(input))]
        if (whole !== cut) {
          throw new Error(
            `at once these are ${JSON.stringify(whole)}, in pieces ${JSON.stringify(cut)}`,
          )
        }
        mustGoOn(input)
      },
      check: () => {},
    }
  }
}

function announcesMuch(input: Uint8Array): boolean {
  const bytes = Buffer.concat([input, new Uint8Array(PACKET_HEADER_BYTES)])
  for (let at = bytes.indexOf(0x81); at >= 0; at = bytes.indexOf(0x81, at + 1)) {
    const body = bytes.readUInt32BE(at + 8)
    if (body > MUCH_BYTES && body <= MOST_BYTES) return true
  }
  return false
}

function pieces(input: Uint8Array): Uint8Array[] {
  const random = new Random(input.length)
  const all: Uint8Array[] = []
  for (let at = 0; at < input.length; ) {
    const length = 1 + random.below(random.below(2) === 0 ? 4 : MAX_PIECE_BYTES)
    all.push(input.subarray(at, at + length))
    at += length
  }
  return all
}

const META_WORDS = words(
  ...['HD', 'EN', 'NF', 'NS', 'EX', 'OK', 'MN', 'VA ', 'ME ', 'VERSION 1.6', 'STAT a b', 'END'],
  ...[
    'RESET',
    'STORED',
    'ERROR',
    'CLIENT_ERROR x',
    'SERVER_ERROR x',
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\0',
  ],
  ...[' f7', ' c18446744073709551615', ' t-1', ' t30', ' l5', ' h1', ' s2', ' W', ' X', ' Z'],
  ...[' kfoo', ' Oabc', ' b', 'VA 2 f0\r\nhi\r\n', 'VA 0\r\n\r\n', '1073741824', '99999999999'],
)
const META_SEEDS = words(
  'VA 2 f7 c18446744073709551615 t30 l5 h1 s2 W kfoo Oabc\r\nhi\r\nHD\r\nEN\r\nNF\r\nNS\r\nEX\r\nMN\r\n',
  'VERSION 1.6.18\r\nSTAT pid 1\r\nEND\r\nRESET\r\nOK\r\nSERVER_ERROR out of memory\r\nERROR\r\nCLIENT_ERROR bad\r\n',
)

/** An answer of the binary protocol. */
function packet(opcode: number, status: number, extras = '', key = '', value = ''): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt16BE(0x8100 + opcode, 0)
  header.writeUInt16BE(key.length, 2)
  header.writeUInt8(extras.length, 4)
  header.writeUInt16BE(status, 6)
  header.writeUInt32BE(extras.length + key.length + value.length, 8)
  header.writeUInt32BE(7, 12)
  header.writeBigUInt64BE(9n, 16)
  return Buffer.concat([header, Buffer.from(extras + key + value, 'latin1')])
}

const BINARY_PACKETS = [
  ...[packet(0, 0, '\0\0\0\x07', '', 'hi'), packet(0, 1), packet(1, 0), packet(4, 1)],
  ...[packet(5, 0, '', '', '\0\0\0\0\0\0\0\x01'), packet(0x0a, 0), packet(0x10, 0, '', 'pid', '1')],
  ...[packet(0x10, 0), packet(0x0b, 0, '', '', '1.6.18'), packet(0x81, 0x20, '', '', 'no')],
  ...[packet(2, 2), packet(1, 2), packet(8, 0), packet(0x21, 0), packet(0x0e, 5), packet(3, 1)],
]
const BINARY_WORDS = [...BINARY_PACKETS, ...words('\x81', '\0\0', '\xff\xff\xff\xff', '\0\0\0\x04')]
const BINARY_SEEDS = [Buffer.concat(BINARY_PACKETS), ...BINARY_PACKETS]
