// Reads the flags of a meta command, as memcached's _meta_flag_preparse. Knows what each flag carries;
// what it does is for the command to decide.
import { parsed, parseU64 } from '../cache/decimal.ts'
import { KEY_BINARY } from '../cache/item.ts'
import { decodeBase64 } from './base64.ts'
import { BAD_FORMAT, type Context } from './context.ts'
import { parseI32 } from './numbers.ts'
import { line } from './reply.ts'

const DUPLICATE_FLAG = line('CLIENT_ERROR duplicate flag')
const INVALID_FLAG = line('CLIENT_ERROR invalid flag')
/** The same text as BAD_FORMAT, but not that of a malformed line. */
const BAD_CLIENT_FLAGS = line('CLIENT_ERROR bad command line format')
const BAD_TOKEN = line('CLIENT_ERROR bad token in command line format')
const BAD_BASE64_KEY = line('CLIENT_ERROR error decoding key')
const BAD_INITIAL = line('CLIENT_ERROR invalid numeric initial value')
const BAD_DELTA = line('CLIENT_ERROR invalid numeric delta value')
const OPAQUE_TOO_LONG = line('CLIENT_ERROR opaque token too long')
const TOO_MANY_FLAGS = line('CLIENT_ERROR options flags are too long')

/** Tokens of a whole meta command line, command and key included. */
const MAX_META_TOKENS = 20
/** Bytes of an opaque token, its letter included. */
const MAX_OPAQUE_BYTES = 32

const LETTER_A = 65
const LETTER_Z = 122
const DIGIT_0 = 48
const DIGIT_9 = 57

const letter = (text: string): number => text.charCodeAt(0)

export const FLAG_BASE64 = letter('b')
export const FLAG_CAS = letter('c')
export const FLAG_COMPARE = letter('C')
export const FLAG_DELTA = letter('D')
export const FLAG_EXPLICIT_CAS = letter('E')
export const FLAG_CLIENT_FLAGS = letter('f')
export const FLAG_SET_CLIENT_FLAGS = letter('F')
export const FLAG_HIT_BEFORE = letter('h')
export const FLAG_INVALIDATE = letter('I')
export const FLAG_INITIAL = letter('J')
export const FLAG_KEY = letter('k')
export const FLAG_LAST_ACCESS = letter('l')
export const FLAG_MODE = letter('M')
export const FLAG_VIVIFY = letter('N')
export const FLAG_OPAQUE = letter('O')
export const FLAG_QUIET = letter('q')
export const FLAG_RECACHE = letter('R')
export const FLAG_SIZE = letter('s')
export const FLAG_TTL = letter('t')
export const FLAG_SET_TTL = letter('T')
export const FLAG_NO_BUMP = letter('u')
export const FLAG_VALUE = letter('v')
export const FLAG_DROP_VALUE = letter('x')
const FLAG_IGNORED_P = letter('P')
const FLAG_IGNORED_L = letter('L')

/** The flags of one command; reused for every command. Words of 64-bit numbers are signed. */
export class MetaFlags {
  quiet = false
  value = false
  noBump = false
  dropValue = false
  invalidate = false
  vivify = false
  vivifyExpiry = 0
  setTtl = false
  expiry = 0
  recache = false
  recacheAt = 0
  clientFlags = 0
  compare = false
  compareLow = 0
  compareHigh = 0
  explicitCas = false
  casLow = 0
  casHigh = 0
  /** The letter after M, or 0. */
  mode = 0
  initialLow = 0
  initialHigh = 0
  deltaLow = 1
  deltaHigh = 0
  /** Header flags for an item made by this command. */
  itemFlags = 0
  /** A bit for each ASCII letter that was met. */
  readonly #seen = new Int32Array(4)

  #reset(): void {
    this.quiet = false
    this.value = false
    this.noBump = false
    this.dropValue = false
    this.invalidate = false
    this.vivify = false
    this.setTtl = false
    this.expiry = 0
    this.recache = false
    this.clientFlags = 0
    this.compare = false
    this.explicitCas = false
    this.mode = 0
    this.initialLow = 0
    this.initialHigh = 0
    this.deltaLow = 1
    this.deltaHigh = 0
    this.itemFlags = 0
    // One by one: filling the array is a call, and took a tenth of a quiet mg's time.
    this.#seen[1] = 0
    this.#seen[2] = 0
    this.#seen[3] = 0
  }

  /**
   * Reads the flags from token `first` on, and takes the key from token 1. Returns undefined, or the
   * line that says what is wrong; BAD_FORMAT itself only for a line that isn't well-formed.
   */
  read(context: Context, first: number): Uint8Array | undefined {
    this.#reset()
    const { tokens } = context
    if (tokens.count < 2 || !context.takeKeyToken(1)) return BAD_FORMAT
    if (tokens.count > MAX_META_TOKENS) return TOO_MANY_FLAGS
    for (let token = first; token < tokens.count; token++) {
      if (!isFlagLetter(tokens.first(token))) return BAD_FORMAT
    }
    let wrong: Uint8Array | undefined
    for (let token = first; token < tokens.count; token++) {
      const flag = tokens.first(token)
      if (this.#isRepeated(flag)) return DUPLICATE_FLAG
      const error = this.#readFlag(context, token, flag)
      if (error === INVALID_FLAG) return error
      // memcached reads on, and tells the last of several errors; these two give way to any other.
      if (error === OPAQUE_TOO_LONG || error === BAD_CLIENT_FLAGS) wrong ??= error
      else if (error !== undefined) wrong = error
    }
    return wrong
  }

  /** Whether the flag was met before in this line; notes it. */
  #isRepeated(flag: number): boolean {
    const word = flag >>> 5
    const bit = 1 << (flag & 31)
    if ((this.#seen[word] & bit) !== 0) return true
    this.#seen[word] |= bit
    return false
  }

  #readFlag(context: Context, token: number, flag: number): Uint8Array | undefined {
    const { tokens, cache } = context
    const block = tokens.block
    const at = tokens.start[token] + 1
    const end = tokens.end[token]
    switch (flag) {
      case FLAG_BASE64: {
        context.retakesKey()
        const length = decodeBase64(block, context.keyAt, context.keyLength, context.decodedKey)
        if (length <= 0 || !context.takeKey(context.decodedKey, 0, length)) return BAD_BASE64_KEY
        this.itemFlags |= KEY_BINARY
        return undefined
      }
      case FLAG_OPAQUE:
        return end - at + 1 > MAX_OPAQUE_BYTES ? OPAQUE_TOO_LONG : undefined
      case FLAG_VIVIFY: {
        const exptime = parseI32(block, at, end)
        if (Number.isNaN(exptime)) return BAD_TOKEN
        this.vivify = true
        this.vivifyExpiry = cache.clock.expiry(exptime)
        return undefined
      }
      case FLAG_SET_TTL: {
        const exptime = parseI32(block, at, end)
        if (Number.isNaN(exptime)) return BAD_TOKEN
        this.setTtl = true
        this.expiry = cache.clock.expiry(exptime)
        return undefined
      }
      case FLAG_RECACHE: {
        const exptime = parseI32(block, at, end)
        if (Number.isNaN(exptime)) return BAD_TOKEN
        this.recache = true
        this.recacheAt = cache.clock.expiry(exptime)
        return undefined
      }
      case FLAG_SET_CLIENT_FLAGS:
        if (!parseU64(block, at, end) || parsed[1] !== 0) return BAD_CLIENT_FLAGS
        this.clientFlags = parsed[0]
        return undefined
      case FLAG_COMPARE:
        if (!parseU64(block, at, end)) return BAD_TOKEN
        this.compare = true
        this.compareLow = parsed[0]
        this.compareHigh = parsed[1]
        return undefined
      case FLAG_EXPLICIT_CAS:
        if (!parseU64(block, at, end)) return BAD_TOKEN
        this.explicitCas = true
        this.casLow = parsed[0]
        this.casHigh = parsed[1]
        return undefined
      case FLAG_INITIAL:
        if (!parseU64(block, at, end)) return BAD_INITIAL
        this.initialLow = parsed[0]
        this.initialHigh = parsed[1]
        return undefined
      case FLAG_DELTA:
        if (!parseU64(block, at, end)) return BAD_DELTA
        this.deltaLow = parsed[0]
        this.deltaHigh = parsed[1]
        return undefined
      case FLAG_MODE:
        // Without a letter the mode is one that no command knows.
        this.mode = at < end ? block.bytes[at] : FLAG_MODE
        return undefined
      case FLAG_VALUE:
        this.value = true
        return undefined
      case FLAG_QUIET:
        this.quiet = true
        return undefined
      case FLAG_NO_BUMP:
        this.noBump = true
        return undefined
      case FLAG_DROP_VALUE:
        this.dropValue = true
        return undefined
      case FLAG_INVALIDATE:
        this.invalidate = true
        return undefined
      case FLAG_CAS:
      case FLAG_CLIENT_FLAGS:
      case FLAG_HIT_BEFORE:
      case FLAG_KEY:
      case FLAG_LAST_ACCESS:
      case FLAG_SIZE:
      case FLAG_TTL:
      case FLAG_IGNORED_P:
      case FLAG_IGNORED_L:
        return undefined
      default:
        return INVALID_FLAG
    }
  }
}

/** The flags of the command under way: there is one at a time in a thread. */
export const flags = new MetaFlags()

function isFlagLetter(byte: number): boolean {
  return (byte >= LETTER_A && byte <= LETTER_Z) || (byte >= DIGIT_0 && byte <= DIGIT_9)
}
