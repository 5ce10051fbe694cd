// The binary protocol in the request loop: whatever the pieces in which requests arrive, and however often
// the reply fills, the same bytes come back, and nothing stays behind.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MEGABYTE } from '../cache/cache-fixture.ts'
import type { CacheOptions } from '../cache/cache-memory.ts'
import * as opcode from './binary-opcodes.ts'
import {
  type Answer,
  deltaExtras,
  type Packet,
  packet,
  readAnswers,
  words,
} from './binary-packets.ts'
import { type Client, Server } from './conversation.ts'
import { cut, shares } from './cut.ts'
import { INLINE_VALUE_MAX_BYTES, Reply } from './reply.ts'

const NOOP = packet({ opcode: opcode.NOOP, opaque: 0xffff_fffe })
const FLUSH_QUIETLY = 0x18
const SUCCESS = 0
const NOT_FOUND = 1
const OUT_OF_MEMORY = 0x82

// ---- sessions of any requests, good and bad

const keys = fc.constantFrom('a', 'b', 'number', 'long', 'k'.repeat(250), '\x80', 'get a\r\n')
const values = fc.oneof(
  fc.nat(1000).map(String),
  fc.constantFrom('', 'x', '\r\n', NOOP.toString('latin1'), '\x80\x00'),
  fc.integer({ min: 0, max: 400 }).map((n) => 'some text\r\n'.repeat(n)),
  // About the size from which values are sent from where they lie.
  fc.integer({ min: -2, max: 2 }).map((n) => 'v'.repeat(INLINE_VALUE_MAX_BYTES + n)),
  fc.nat(9).map((n) => `${n}abcdefghi`.repeat(6000 + n)),
)
const expiries = fc.constantFrom(0, 1, 100, 2_592_001, 0xffff_ffff)
const cas = fc.constantFrom(0n, 0n, 0n, 1n, 2n, 7n, 2n ** 63n)
const numbers = fc.constantFrom(0n, 1n, 7n, 2n ** 33n, 2n ** 64n - 1n)
const opaque = fc.constantFrom(0, 1, 0x8000_0000, 0xffff_ffff)

/** Opcodes with and without their quiet twins. */
function both(...all: readonly number[]): fc.Arbitrary<number> {
  const opcodes = Array.from(opcode.LOUD.keys())
  return fc.constantFrom(...opcodes.filter((one) => all.includes(opcode.LOUD[one])))
}

/** Requests that are answered the same whatever other clients do to other keys. */
function requestsOn(keys: fc.Arbitrary<string>): fc.Arbitrary<Packet> {
  const stored = fc.record({
    opcode: both(opcode.SET, opcode.ADD, opcode.REPLACE),
    key: keys,
    extras: fc.tuple(fc.constantFrom(0, 1, 0xffff_ffff), expiries).map((all) => words(...all)),
    value: values,
    cas,
    opaque,
  })
  const joined = fc.record({
    opcode: both(opcode.APPEND, opcode.PREPEND),
    key: keys,
    value: values,
    cas,
    opaque,
  })
  const fetched = fc.record({ opcode: both(opcode.GET, opcode.GETK), key: keys, opaque })
  const touched = fc.record({
    opcode: both(opcode.TOUCH, opcode.GAT, opcode.GATK),
    key: keys,
    extras: expiries.map((expiry) => words(expiry)),
    opaque,
  })
  const counted = fc.record({
    opcode: both(opcode.INCREMENT, opcode.DECREMENT),
    key: keys,
    extras: fc.tuple(numbers, numbers, expiries).map((all) => deltaExtras(...all)),
    cas,
    opaque,
  })
  const deleted = fc.record({ opcode: both(opcode.DELETE), key: keys, cas, opaque })
  const other = fc.oneof(
    fc.record({ opcode: fc.constantFrom(opcode.NOOP, opcode.VERSION), opaque }),
    fc.record({ opcode: fc.constant(opcode.STAT), key: fc.constantFrom('settings', 'no') }),
  )
  return fc.oneof(
    { weight: 3, arbitrary: stored },
    { weight: 1, arbitrary: joined },
    { weight: 3, arbitrary: fetched },
    { weight: 2, arbitrary: touched },
    { weight: 2, arbitrary: counted },
    { weight: 1, arbitrary: deleted },
    { weight: 1, arbitrary: other },
  )
}

const requests = fc.oneof(
  { weight: 15, arbitrary: requestsOn(keys) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Packet>(
      { opcode: 0x55 },
      { opcode: 0x30, value: 'swallowed' },
      { opcode: opcode.FLUSH },
      { opcode: FLUSH_QUIETLY, extras: words(100) },
      // Not `items`: counts there depend on the pieces, because what is still being sent from is passed over.
      { opcode: opcode.STAT, key: 'sizes' },
      { opcode: opcode.STAT, key: 'reset' },
      // Too large for the cache: what follows is swallowed, however much.
      { opcode: opcode.SET, key: 'a', extras: words(0, 0), bodyLength: 2_000_000 },
      // Ends the connection.
      { opcode: opcode.GET, key: 'a', extras: words(0) },
      { opcode: opcode.NOOP, magic: 0x81 },
    ),
  },
)

function sessionsOf(request: fc.Arbitrary<Packet>): fc.Arbitrary<Buffer> {
  return fc
    .array(request, { maxLength: 60, size: 'max' })
    .map((all) => Buffer.concat([NOOP, ...all.map(packet), NOOP]))
}

function sendPieces(server: Server, client: Client, pieces: readonly Buffer[]): Buffer {
  const replies: Buffer[] = []
  for (const piece of pieces) {
    if (client.closed) break
    replies.push(client.sendForBytes(piece))
    server.check()
  }
  return Buffer.concat(replies)
}

describe('a session cut at any bytes is answered as one that arrives whole', () => {
  test.each<[string, Partial<CacheOptions>]>([
    ['by default', {}],
    ['with chunks of 1 KiB', { slabChunkMaxBytes: 1024 }],
    ['with a flat LRU and without CAS', { segmented: false, casEnabled: false }],
  ])('%s', (_, options) => {
    let closed = 0
    fc.assert(
      fc.property(sessionsOf(requests), shares, (session, at) => {
        const whole = new Server(options)
        const one = whole.connect()
        const expected = one.sendForBytes(session)
        whole.check()
        const pieces = new Server(options)
        const client = pieces.connect()
        expect(sendPieces(pieces, client, cut(session, at)).equals(expected)).toBe(true)
        expect(client.closed).toBe(one.closed)
        readAnswers(expected)
        if (one.closed) closed++
      }),
      { numRuns: 30 },
    )
    expect(closed).toBeGreaterThan(0)
  })

  test('byte by byte', () => {
    const session = Buffer.concat(
      [
        { opcode: opcode.SET, key: 'a', extras: words(1, 0), value: 'ab\r\nc', opaque: 7 },
        { opcode: opcode.APPEND, key: 'a', value: 'd' },
        { opcode: opcode.GETK, key: 'a' },
        { opcode: opcode.INCREMENT, key: 'n', extras: deltaExtras(1n, 5n, 0) },
        { opcode: opcode.STAT, key: 'settings' },
        { opcode: opcode.SET, key: 'empty', extras: words(1, 0) },
        { opcode: 0x40, value: 'xyz' },
        { opcode: opcode.VERSION },
      ].map(packet),
    )
    const expected = new Server().connect().sendForBytes(session)
    expect(readAnswers(expected).map(({ status }) => status)).toEqual([
      ...[SUCCESS, SUCCESS, SUCCESS, SUCCESS],
      ...[SUCCESS, SUCCESS, SUCCESS],
      ...[SUCCESS, 0x81, SUCCESS],
    ])
    const server = new Server()
    const bytes = [...session].map((byte) => Buffer.from([byte]))
    expect(sendPieces(server, server.connect(), bytes)).toEqual(expected)
  })

  test('in hardly any memory it is answered to the end, and nothing is lost', () => {
    const manyKeys = fc.nat(50).map((n) => `key:${n}`)
    const options = { memoryLimitBytes: MEGABYTE, slabChunkMaxBytes: 16384 }
    fc.assert(
      fc.property(sessionsOf(requestsOn(manyKeys)), shares, (session, at) => {
        const server = new Server(options)
        const client = server.connect()
        setMany(client, 30, 60_000)
        const reply = sendPieces(server, client, cut(session, at))
        expect(readAnswers(reply).at(-1)).toMatchObject({ opcode: opcode.NOOP, status: SUCCESS })
      }),
      { numRuns: 15 },
    )
  })
})

// ---- the limits of a reply

function setMany(client: Client, count: number, length: number): string[] {
  const names = Array.from({ length: count }, (_, i) => `key:${i}`)
  for (const key of names) {
    const value = contentOf(key, length)
    const request = packet({ opcode: opcode.SET, key, extras: words(0, 0), value })
    expect(readAnswers(client.sendForBytes(request))).toMatchObject([{ status: SUCCESS }])
  }
  return names
}

function contentOf(name: string, length: number): string {
  return `${name} `.repeat(length).slice(0, length)
}

function gets(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((key, i) => packet({ opcode: opcode.GETK, key, opaque: i })))
}

/** Whether these are hits with the values of `setMany`, in order. */
function areHits(answers: readonly Answer[], names: readonly string[], length: number): boolean {
  return (
    answers.length === names.length &&
    answers.every(
      ({ status, key, value, opaque }, i) =>
        status === SUCCESS &&
        opaque === i &&
        key === names[i] &&
        value === contentOf(names[i], length),
    )
  )
}

describe('answers larger than a reply', () => {
  test.each([
    ['thousands of small values', 5000, 100],
    ['values that just go into the reply', 300, INLINE_VALUE_MAX_BYTES],
    ['values that are sent from the arena', 300, INLINE_VALUE_MAX_BYTES + 1],
    ['large values', 20, 500_000],
    ['values in chunks', 10, 1_000_000],
  ])('%s', (_, count, length) => {
    const server = new Server()
    const client = server.connect()
    const names = setMany(client, count, length)
    expect(areHits(readAnswers(client.sendForBytes(gets(names))), names, length)).toBe(true)
    server.check()
  })

  test('a client that takes nothing holds back about a megabyte', () => {
    const server = new Server()
    const client = server.connect()
    client.offer(gets(setMany(client, 40, 100_000)))
    expect(client.execute()).toBe(true)
    const { reply } = server.engine
    expect(reply.totalBytes).toBeGreaterThanOrEqual(MEGABYTE)
    expect(reply.totalBytes).toBeLessThan(MEGABYTE + 101_000)
    server.engine.release(reply)
    server.check()
  })

  test('keep the bytes that were asked for, whatever happens to the items before they are sent', () => {
    const server = new Server({ memoryLimitBytes: 2 * MEGABYTE })
    const client = server.connect()
    const names = setMany(client, 4, 150_000)
    client.offer(gets(names))
    client.execute()
    const { reply } = server.engine
    server.engine.reply = new Reply()
    const other = server.connect()
    other.send(packet({ opcode: opcode.FLUSH }))
    for (let round = 0; round < 20; round++) {
      other.send(
        packet({
          opcode: opcode.SET,
          key: `${round % 8}`,
          extras: words(0, 0),
          value: 'x'.repeat(150_000),
        }),
      )
    }
    expect(areHits(readAnswers(client.take(reply)), names, 150_000)).toBe(true)
    server.engine.release(reply)
    server.check()
  })

  test('an item that 255 replies send from is a miss for the next', () => {
    const server = new Server()
    const client = server.connect()
    const [key] = setMany(client, 1, INLINE_VALUE_MAX_BYTES + 1)
    const { engine } = server
    client.offer(
      Buffer.concat(Array.from({ length: 300 }, () => packet({ opcode: opcode.GET, key }))),
    )
    const held = [engine.reply]
    while (client.execute()) {
      engine.reply = new Reply()
      held.push(engine.reply)
    }
    const statuses = held.flatMap((reply) => readAnswers(client.take(reply))).map((a) => a.status)
    expect(statuses).toEqual([...Array(255).fill(SUCCESS), ...Array(45).fill(NOT_FOUND)])
    for (const reply of held) engine.release(reply)
    server.check()
  })
})

describe('a client that goes away in the middle of a value', () => {
  test.each([10, 100_000, 900_000])('of %i bytes leaves nothing behind', (length) => {
    const server = new Server()
    const client = server.connect()
    const value = 'x'.repeat(length)
    const request = packet({ opcode: opcode.SET, key: 'a', extras: words(0, 0), value })
    client.sendForBytes(request.subarray(0, length / 2))
    server.check()
    client.hangUp()
    server.check()
    expect(server.cache.slabs.usedChunks(server.cache.slabs.largestClass)).toBe(0)
  })
})

describe('a large value for which memory runs out on its way', () => {
  test.each([1, 7])('is refused once, and dropped to its end, in %i pieces', (count) => {
    const server = new Server({ memoryLimitBytes: 2 * MEGABYTE, evictionsEnabled: false })
    const client = server.connect()
    setMany(client, 2, 700_000)
    const value = NOOP.toString('latin1').repeat(29_000)
    const set = packet({ opcode: opcode.SET, key: 'c', extras: words(0, 0), value, opaque: 5 })
    const session = Buffer.concat([set, NOOP])
    const shares = Array.from({ length: count - 1 }, (_, i) => (i + 1) / count)
    const answers = readAnswers(sendPieces(server, client, cut(session, shares)))
    expect(answers).toMatchObject([
      { opaque: 5, status: OUT_OF_MEMORY, value: 'Out of memory during read' },
      { opcode: opcode.NOOP, status: SUCCESS },
    ])
  })
})
