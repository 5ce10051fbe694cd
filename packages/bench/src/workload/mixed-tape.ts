// A tape of all that clients commonly do, mixed, in the text protocols or the binary one: for what
// must hold whatever is asked, not for comparing numbers. Knows the protocols; knows no sockets.

import { SyntheticKeys } from './key-space.ts'
import { seededRandom, shuffledDeck } from './random.ts'
import { constantSize } from './sizes.ts'
import { type Tape, TapeWriter } from './tape.ts'
import type { Workload } from './workload.ts'

/** As many requests as one batch of the mix has. */
export const MIX_DEPTH = 16
const SEED = 0x6d697865
const BATCHES = 2_000
const MANY_KEYS = 10

export type MixProtocol = 'text' | 'binary'

/** Gets what the workload's fill has stored; what it deletes and counts are keys of its own. */
export function recordMixedTape(workload: Workload, protocol: MixProtocol): Tape {
  const mixed = { ...workload, name: `mixed ${protocol}`, depth: MIX_DEPTH }
  const writer = new TapeWriter(mixed)
  const nextKey = shuffledDeck(workload.keys, seededRandom(SEED))
  const keys = new SyntheticKeys(workload.keys, workload.keyBytes)
  const valueBytes = constantSize(workload.valueBytes)
  for (let batch = 0; batch < BATCHES; batch++) {
    const key = (): string => keys.text(nextKey())
    const own = `own:${batch}`
    if (protocol === 'text') writeText(writer, key, own, valueBytes)
    else writeBinary(writer, key, own, valueBytes)
  }
  return writer.finish()
}

function writeText(writer: TapeWriter, key: () => string, own: string, valueBytes: number): void {
  const value = 'v'.repeat(valueBytes)
  const skip = valueBytes + '\r\n'.length
  const line = (text: string, answer: string): void =>
    writer.request(`${text}\r\n`, 0, [[`${answer}\r\n`, 0]])
  const get = (verb: string, keys: readonly string[]): void => {
    const values = keys.map((name) => [`VALUE ${name} 0 ${valueBytes}\r\n`, skip] as const)
    writer.request(`${verb} ${keys.join(' ')}\r\n`, keys.length, [...values, ['END\r\n', 0]])
  }
  const metaGet = (): void =>
    writer.request(`mg ${key()} v\r\n`, 1, [[`VA ${valueBytes}\r\n`, skip]])
  const quietGets = (count: number): void => {
    const text = Array.from({ length: count }, () => `mg ${key()} v q\r\n`).join('')
    const values = Array.from({ length: count }, () => [`VA ${valueBytes}\r\n`, skip] as const)
    writer.request(`${text}mn\r\n`, count, [...values, ['MN\r\n', 0]])
  }

  get('get', [key()])
  line(`set ${key()} 0 0 ${valueBytes}\r\n${value}`, 'STORED')
  get('get', Array.from({ length: MANY_KEYS }, key))
  metaGet()
  line(`ms ${key()} ${valueBytes}\r\n${value}`, 'HD')
  quietGets(4)
  line(`touch ${key()} 0`, 'TOUCHED')
  get('gat 0', [key()])
  line(`set ${own} 0 0 1\r\n5`, 'STORED')
  line(`incr ${own} 3`, '8')
  line(`decr ${own} 3`, '5')
  line(`append ${own} 0 0 1\r\n0`, 'STORED')
  line(`ma ${own}`, 'HD')
  line(`delete ${own}`, 'DELETED')
  line(`ms ${own} 2\r\nab`, 'HD')
  line(`md ${own}`, 'HD')
}

const GET = 0x00
const SET = 0x01
const DELETE = 0x04
const INCREMENT = 0x05
const DECREMENT = 0x06
const GETQ = 0x09
const NOOP = 0x0a
const GETK = 0x0c
const TOUCH = 0x1c
const GAT = 0x1d
const FLAGS_BYTES = 4
const COUNTER_BYTES = 8
const EXPIRY = '\0\0\0\0'

function writeBinary(writer: TapeWriter, key: () => string, own: string, valueBytes: number): void {
  const value = 'v'.repeat(valueBytes)
  const flagsAndExpiry = '\0'.repeat(8)
  const valueAnswer = (opcode: number, keyBytes: number) =>
    binaryAnswer(opcode, FLAGS_BYTES, keyBytes, valueBytes)
  const get = (opcode: number, extras: string): void => {
    const name = key()
    const answer = valueAnswer(opcode, opcode === GETK ? name.length : 0)
    writer.request(binaryRequest(opcode, extras, name, ''), 1, [answer])
  }
  const change = (opcode: number, extras: string, name: string, body: string, bytes = 0): void =>
    writer.request(binaryRequest(opcode, extras, name, body), 0, [
      binaryAnswer(opcode, 0, 0, bytes),
    ])
  const touch = (): void =>
    writer.request(binaryRequest(TOUCH, EXPIRY, key(), ''), 0, [
      binaryAnswer(TOUCH, FLAGS_BYTES, 0, 0),
    ])
  const count = (opcode: number): void =>
    change(opcode, bigEndian64(3) + bigEndian64(5) + EXPIRY, own, '', COUNTER_BYTES)
  const quietGets = (keys: number): void => {
    const text = Array.from({ length: keys }, () => binaryRequest(GETQ, '', key(), '')).join('')
    const values = Array.from({ length: keys }, () => valueAnswer(GETQ, 0))
    writer.request(text + binaryRequest(NOOP, '', '', ''), keys, [
      ...values,
      binaryAnswer(NOOP, 0, 0, 0),
    ])
  }

  get(GET, '')
  change(SET, flagsAndExpiry, key(), value)
  get(GETK, '')
  quietGets(4)
  touch()
  get(GAT, EXPIRY)
  count(INCREMENT)
  count(INCREMENT)
  count(DECREMENT)
  change(DELETE, '', own, '')
  get(GET, '')
  change(SET, flagsAndExpiry, key(), value)
  get(GETK, '')
  touch()
  get(GAT, EXPIRY)
  get(GET, '')
}

function binaryRequest(opcode: number, extras: string, key: string, body: string): string {
  const bytes = extras.length + key.length + body.length
  return `\x80${head(opcode, key.length, extras.length, bytes)}${'\0'.repeat(8)}${extras}${key}${body}`
}

/** The last 8 bytes of a header are the item's CAS, which nobody can foresee. */
function binaryAnswer(
  opcode: number,
  extrasBytes: number,
  keyBytes: number,
  valueBytes: number,
): readonly [literal: string, skip: number] {
  const body = extrasBytes + keyBytes + valueBytes
  return [`\x81${head(opcode, keyBytes, extrasBytes, body)}`, 8 + body]
}

/** A header behind the magic byte and before the CAS. */
function head(opcode: number, keyBytes: number, extrasBytes: number, bodyBytes: number): string {
  const bytes = Buffer.alloc(15)
  bytes.writeUInt8(opcode, 0)
  bytes.writeUInt16BE(keyBytes, 1)
  bytes.writeUInt8(extrasBytes, 3)
  bytes.writeUInt32BE(bodyBytes, 7)
  return bytes.toString('latin1')
}

function bigEndian64(value: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes.toString('latin1')
}
