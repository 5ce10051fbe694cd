// The numbers on a client's command line, each with memcached's rules for it. What is passed on to a node must be what
// every version of memcached takes for a number: a refused line could leave its value to be read as commands.

const ZERO = 48
const NINE = 57
const MINUS = 45
const PLUS = 43
const MAX_U32 = 0xffff_ffff
const MAX_I32 = 0x7fff_ffff
const MAX_U64 = (1n << 64n) - 1n
const MAX_I64 = (1n << 63n) - 1n
/** Any number of so many digits fits into 64 bits, and into a double. */
const SAFE_DIGITS = 15

/** Digits only, below 2^32; NaN otherwise. */
export function parseU32(bytes: Buffer, at: number, end: number): number {
  return parseDigits(bytes, at, end, MAX_U32)
}

/** Digits with at most a minus before them, 32 bits signed; NaN otherwise. */
export function parseI32(bytes: Buffer, at: number, end: number): number {
  if (at < end && bytes[at] === MINUS) return -parseDigits(bytes, at + 1, end, MAX_I32 + 1)
  return parseDigits(bytes, at, end, MAX_I32)
}

/** Digits only, below 2^64; undefined otherwise. */
export function parseU64(bytes: Buffer, at: number, end: number): bigint | undefined {
  if (at >= end) return undefined
  for (let i = at; i < end; i++) {
    if (!isDigit(bytes[i]!)) return undefined
  }
  const number = BigInt(bytes.toString('latin1', at, end))
  return number <= MAX_U64 ? number : undefined
}

/** As C's strtoul for the flags of classic storage commands: a plus is fine, 64 bits are cut to 32. */
export function parseFlags(bytes: Buffer, at: number, end: number): number {
  const start = at < end && bytes[at] === PLUS ? at + 1 : at
  if (end - start <= SAFE_DIGITS) return parseDigits(bytes, start, end, Infinity) % (MAX_U32 + 1)
  const number = parseU64(bytes, start, end)
  return number === undefined ? Number.NaN : Number(BigInt.asUintN(32, number))
}

/** As C's strtol for their expiry time, cut to 32 bits, signed. */
export function parseExptime(bytes: Buffer, at: number, end: number): number {
  const first = at < end ? bytes[at] : 0
  const start = first === PLUS || first === MINUS ? at + 1 : at
  if (end - start <= SAFE_DIGITS) {
    const number = parseDigits(bytes, start, end, Infinity)
    if (Number.isNaN(number)) return number
    return (first === MINUS ? -number : number) | 0
  }
  const number = parseU64(bytes, start, end)
  const most = first === MINUS ? MAX_I64 + 1n : MAX_I64
  if (number === undefined || number > most) return Number.NaN
  return Number(BigInt.asIntN(32, first === MINUS ? -number : number))
}

function parseDigits(bytes: Buffer, at: number, end: number, max: number): number {
  if (at >= end) return Number.NaN
  let value = 0
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!
    if (!isDigit(byte)) return Number.NaN
    value = value * 10 + byte - ZERO
    if (value > max) return Number.NaN
  }
  return value
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}
