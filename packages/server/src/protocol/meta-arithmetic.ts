// ma: incr and decr that can create the number. As memcached's process_marithmetic_command. Knows no
// socket.
import {
  CHANGED,
  changedItem,
  changeNumber,
  createNumber,
  linkNumber,
  mayBeNumber,
  NON_NUMERIC,
  result,
  resultLength,
} from '../cache/arithmetic.ts'
import { DECR_MISSES, INCR_MISSES } from '../cache/statistics.ts'
import { BAD_FORMAT, type Context, NON_NUMERIC_VALUE, OUT_OF_MEMORY } from './context.ts'
import { FLAG_CAS, FLAG_SET_TTL, FLAG_TTL, FLAG_VIVIFY, flags } from './meta-flags.ts'
import {
  EX,
  FLAGS_AT,
  HD,
  matchesCas,
  NF,
  VA_,
  writeEcho,
  writeItemFlag,
  writeStatus,
} from './meta-reply.ts'
import { line } from './reply.ts'

const INVALID_ARITHMETIC_MODE = line('CLIENT_ERROR invalid mode for ma M token')
const INVALID_ARITHMETIC_FLAG = line('CLIENT_ERROR invalid or duplicate flag')
const NO_MEMORY_ALLOCATING = line('SERVER_ERROR Out of memory allocating new item')
const letter = (text: string): number => text.charCodeAt(0)

export function processMetaArithmetic(context: Context): void {
  const { cache, reply } = context
  const { items, statistics } = cache
  const wrong = flags.read(context, FLAGS_AT)
  if (wrong !== undefined) {
    reply.text(context.tokens.count < 2 || wrong === BAD_FORMAT ? wrong : INVALID_ARITHMETIC_FLAG)
    return
  }
  const direction = arithmeticDirection()
  if (direction === 0) {
    reply.text(INVALID_ARITHMETIC_MODE)
    return
  }
  let item = context.find()
  let created = false
  if (item === 0) {
    if (!flags.vivify) {
      statistics.add(direction > 0 ? INCR_MISSES : DECR_MISSES, 1)
      writeStatus(context, NF)
      return
    }
    item = createNumber(
      cache,
      context.key,
      context.keyAt,
      context.keyLength,
      0,
      flags.itemFlags,
      flags.initialLow,
      flags.initialHigh,
    )
    if (item === 0) {
      reply.text(NO_MEMORY_ALLOCATING)
      return
    }
    linkNumber(cache, item, context.hash)
    created = true
  } else {
    if (!mayBeNumber(cache, item)) {
      reply.text(NON_NUMERIC_VALUE)
      return
    }
    // C0 compares with nothing, as memcached has it.
    const compares = flags.compare && (flags.compareLow | flags.compareHigh) !== 0
    if (compares && !matchesCas(context, item)) {
      writeStatus(context, EX)
      return
    }
    const outcome = changeNumber(
      cache,
      item,
      context.hash,
      direction > 0,
      flags.deltaLow,
      flags.deltaHigh,
    )
    if (outcome !== CHANGED) {
      reply.text(outcome === NON_NUMERIC ? NON_NUMERIC_VALUE : OUT_OF_MEMORY)
      return
    }
    item = changedItem()
  }
  if (flags.explicitCas) items.setGivenCas(item, flags.casLow, flags.casHigh)
  const length = created ? items.valueLength(item) : resultLength()
  const quiet = flags.quiet
  const begun = reply.length
  if (flags.value) {
    reply.text(VA_)
    reply.number(length)
  } else {
    reply.text(HD)
  }
  const { tokens } = context
  for (let token = FLAGS_AT; token < tokens.count; token++) {
    const flag = tokens.first(token)
    if (flag === FLAG_SET_TTL) items.setExpiry(item, flags.expiry)
    else if (flag === FLAG_VIVIFY) {
      if (created) items.setExpiry(item, flags.vivifyExpiry)
    } else if (flag === FLAG_CAS || flag === FLAG_TTL) writeItemFlag(context, token, item)
    else writeEcho(context, token)
  }
  reply.crlf()
  if (flags.value) {
    reply.copy(result, 0, length)
    reply.crlf()
  }
  if (quiet) reply.length = begun
}

function arithmeticDirection(): number {
  switch (flags.mode) {
    case 0:
    case letter('I'):
    case letter('+'):
      return 1
    case letter('D'):
    case letter('-'):
      return -1
    default:
      return 0
  }
}
