// Random requests of the binary protocol, valid and invalid.
import fc from 'fast-check'
import { BINARY_FENCE, type Command, LONG_KEY, type Surroundings } from './session.ts'
import { anySlot, delta, LARGEST, value, wrapping } from './vocabulary.ts'

/** A request; lengths that are not given are what they should be. */
interface Request {
  readonly magic?: number
  readonly opcode: number
  readonly extras?: string
  readonly key?: string
  readonly value?: string
  readonly opaque?: number
  readonly cas?: string
  readonly keyLength?: number
  readonly bodyLength?: number
}

export function bytesOf(request: Request): string {
  const { extras = '', key = '', value: data = '' } = request
  const header = Buffer.alloc(24)
  header[0] = request.magic ?? 0x80
  header[1] = request.opcode
  header.writeUInt16BE(request.keyLength ?? key.length, 2)
  header[4] = extras.length
  header.writeUInt32BE(request.bodyLength ?? extras.length + key.length + data.length, 8)
  header.writeUInt32BE(request.opaque ?? 0, 12)
  header.writeBigUInt64BE(BigInt(request.cas ?? '0'), 16)
  return header.toString('latin1') + extras + key + data
}

function u32(number: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes.toString('latin1')
}

function u64(number: bigint): string {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(number)
  return bytes.toString('latin1')
}

function command(kind: string, request: (surroundings: Surroundings) => Request): Command {
  return { kind, protocol: 'binary', render: (at) => bytesOf(request(at)) }
}

const GET = [0x00, 0x09, 0x0c, 0x0d]
const GET_AND_TOUCH = [0x1d, 0x1e, 0x23, 0x24]
const TOUCH = 0x1c
const STORE = [0x01, 0x02, 0x03, 0x11, 0x12, 0x13]
const DELETE = [0x04, 0x14]
const ARITHMETIC = [0x05, 0x06, 0x15, 0x16]
const JOIN = [0x0e, 0x0f, 0x19, 0x1a]
/** The expiry time that keeps incr from making what is not there. */
const NOT_CREATED = 0xffff_ffff
const QUIT = [0x07, 0x17]
const FLUSH = [0x08, 0x18]
const NOOP = 0x0a
const VERSION = 0x0b
const UNKNOWN = [0x1b, 0x20, 0x25, 0x30, 0x3c, 0x55, 0xff]
const SASL = [0x21, 0x22]

const opaque = fc.constantFrom(0, 1, 7, 0x7fff_ffff)

/** As in the text protocol, but that what would be negative there is far in the future here. */
const expiry = fc.constantFrom(
  ...[0, 0, 0, 0, 0, 100, 1000, 100_000, 2_592_000, 2_592_001, 1_000_000_000, 2_000_000_000],
  ...[0x7fff_ffff, 0x8000_0000, 0xe000_0000],
)
const clientFlags = fc.constantFrom(0, 0, 0, 1, 5, 0x8000_0000, 0xffff_ffff)

const cas = (slot: number): fc.Arbitrary<(at: Surroundings) => string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(() => '0') },
    { weight: 4, arbitrary: fc.constant((at: Surroundings) => at.cas(slot, 0)) },
    { weight: 1, arbitrary: fc.constant((at: Surroundings) => at.cas(slot, 1)) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('1', '1000000000000000', '18446744073709551615')
        .map((text) => () => text),
    },
  )

const fetch: fc.Arbitrary<Command> = fc
  .tuple(fc.constantFrom(...GET, ...GET), anySlot, opaque)
  .map(([opcode, slot, mark]) =>
    command('binary get', (at) => ({ opcode, key: at.key(slot), opaque: mark })),
  )

const touch: fc.Arbitrary<Command> = fc
  .tuple(fc.constantFrom(...GET_AND_TOUCH, TOUCH), anySlot, expiry, opaque)
  .map(([opcode, slot, exptime, mark]) =>
    command('binary touch', (at) => ({
      opcode,
      extras: u32(exptime),
      key: at.key(slot),
      opaque: mark,
    })),
  )

const store: fc.Arbitrary<Command> = anySlot.chain((slot) =>
  fc
    .tuple(fc.constantFrom(...STORE), clientFlags, expiry, value, cas(slot), opaque)
    .map(([opcode, flags, exptime, text, unique, mark]) =>
      command('binary set', (at) => ({
        opcode,
        extras: u32(flags) + u32(exptime),
        key: at.key(slot),
        value: text(at, slot, flags !== 0),
        cas: unique(at),
        opaque: mark,
      })),
    ),
)

const join: fc.Arbitrary<Command> = anySlot.chain((slot) =>
  fc.tuple(fc.constantFrom(...JOIN), value, cas(slot), opaque).map(([opcode, text, unique, mark]) =>
    command('binary append', (at) => ({
      opcode,
      key: at.key(slot),
      value: text(at, slot, false),
      cas: unique(at),
      opaque: mark,
    })),
  ),
)

const deletion: fc.Arbitrary<Command> = anySlot.chain((slot) =>
  fc.tuple(fc.constantFrom(...DELETE), cas(slot), opaque).map(([opcode, unique, mark]) =>
    command('binary delete', (at) => ({
      opcode,
      key: at.key(slot),
      cas: unique(at),
      opaque: mark,
    })),
  ),
)

interface Arithmetic {
  readonly opcode: number
  readonly delta: bigint
  readonly initial: bigint
  readonly exptime: number
  readonly opaque: number
}

/** After a flush of what is queued, as in the text protocol. */
function changeNumber(request: Arithmetic, key: string, cas: string): string {
  const { opcode, delta, initial, exptime, opaque: mark } = request
  const extras = u64(delta) + u64(initial) + u32(exptime)
  return BINARY_FENCE.request('0') + bytesOf({ opcode, extras, key, cas, opaque: mark })
}

const arithmetic: fc.Arbitrary<Command> = anySlot.chain((slot) =>
  fc
    .record({
      opcode: fc.constantFrom(...ARITHMETIC),
      delta: delta.map(BigInt),
      initial: fc.constantFrom(0n, 5n, 99n, 9_000_000_000_000_000_000n),
      exptime: fc.oneof(expiry, fc.constant(NOT_CREATED)),
      opaque,
      cas: cas(slot),
    })
    .map(
      ({ cas: unique, ...request }): Command => ({
        kind: 'binary incr',
        protocol: 'binary',
        render: (at) => changeNumber(request, at.key(slot), unique(at)),
      }),
    ),
)

/** As in the text protocol. */
const wrap: fc.Arbitrary<Command> = fc
  .tuple(wrapping, anySlot, opaque)
  .map(([[increment, amount], slot, mark]) => ({
    kind: 'binary wrap',
    protocol: 'binary',
    render: (at) => {
      const key = at.key(slot)
      const request: Arithmetic = {
        opcode: increment ? 0x05 : 0x06,
        delta: BigInt(amount),
        initial: 0n,
        exptime: NOT_CREATED,
        opaque: mark,
      }
      const store = bytesOf({ opcode: 0x11, extras: u64(0n), key, value: `${LARGEST}\0` })
      return store + changeNumber(request, key, '0')
    },
  }))

const others: fc.Arbitrary<Command> = fc.oneof(
  opaque.map((mark) => command('binary noop', () => ({ opcode: NOOP, opaque: mark }))),
  fc
    .tuple(fc.constantFrom(...UNKNOWN), anySlot, fc.constantFrom('', 'abc'), opaque)
    .map(([opcode, slot, data, mark]) =>
      // memcached has taken the key of an unknown command from the input when it swallows the whole body.
      command('binary unknown', () => ({
        opcode,
        value: opcode === 0x20 ? '' : data,
        opaque: mark + slot,
      })),
    ),
  fc
    .tuple(fc.constantFrom(...SASL), fc.constantFrom('PLAIN', 'x'), fc.constantFrom('', '\0a\0b'))
    .map(([opcode, mechanism, data]) =>
      command('binary sasl', () => ({ opcode, key: mechanism, value: data })),
    ),
)

/** The one answer that is known to differ. */
const version: fc.Arbitrary<Command> = opaque.map((mark) => {
  const answer = (release: string): string =>
    bytesOf({ magic: 0x81, opcode: VERSION, value: release, opaque: mark })
  return {
    ...command('binary version', () => ({ opcode: VERSION, opaque: mark })),
    changed: { was: answer('1.6.18'), is: answer('1.6.45') },
  }
})

export const binaryCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 10, arbitrary: fetch },
  { weight: 10, arbitrary: store },
  { weight: 5, arbitrary: arithmetic },
  { weight: 1, arbitrary: wrap },
  { weight: 4, arbitrary: join },
  { weight: 3, arbitrary: deletion },
  { weight: 3, arbitrary: touch },
  { weight: 1, arbitrary: others },
  { weight: 1, arbitrary: version },
)

function last(kind: string, request: (surroundings: Surroundings) => Request): Command {
  return { ...command(kind, request), ends: true }
}

/** Requests after which the connection is closed: asked for, or malformed. */
export const lastBinaryCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom(...QUIT).map((opcode) => last('binary quit', () => ({ opcode }))),
  fc.constant(last('binary long key', (at) => ({ opcode: 0, key: at.key(LONG_KEY) }))),
  fc
    .constantFrom(...STORE, ...GET, ...DELETE, ...ARITHMETIC, ...JOIN, TOUCH, ...GET_AND_TOUCH)
    .map((opcode) => last('binary malformed', () => ({ opcode, extras: 'abc', key: 'a' }))),
  fc
    .constantFrom(...STORE, ...GET, ...DELETE, ...ARITHMETIC, ...JOIN, TOUCH, ...GET_AND_TOUCH)
    .map((opcode) => last('binary malformed', () => ({ opcode }))),
  fc
    .constantFrom(...GET, ...DELETE, NOOP, VERSION, ...QUIT)
    .map((opcode) => last('binary malformed', () => ({ opcode, key: 'a', value: 'v' }))),
  fc
    .constantFrom(...GET, ...STORE, NOOP)
    .map((opcode) => last('binary malformed', () => ({ opcode, key: 'abc', bodyLength: 2 }))),
  fc.constantFrom(0x81, 0x00, 0x67).map(
    (magic): Command => ({
      kind: 'binary magic',
      protocol: 'binary',
      // The queued answers are lost with the connection.
      render: () => BINARY_FENCE.request('0') + bytesOf({ magic, opcode: NOOP }),
      ends: true,
    }),
  ),
)

export const binaryFlush: fc.Arbitrary<Command> = fc
  .tuple(fc.constantFrom(...FLUSH), fc.constantFrom('', u32(0)), opaque)
  .map(([opcode, extras, mark]) =>
    command('binary flush', () => ({ opcode, extras, opaque: mark })),
  )
