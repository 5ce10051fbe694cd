// The operators' commands about memory: slabs reassign, slabs automove, cache_memlimit. Knows what they
// accept and answer; what they change takes effect in the cache and its background work.
import { ASKED, BAD_CLASS, BUSY, NO_SPARE_PAGE, SAME_CLASS } from '../cache/page-moves.ts'
import { answer } from './classic.ts'
import { BAD_FORMAT, type Context, ERROR } from './context.ts'
import { parseI32, parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import { word } from './tokens.ts'

const OK = line('OK')
const REASSIGN_DISABLED = line('CLIENT_ERROR slab reassignment disabled')
const REASSIGN_REPLIES: Readonly<Record<number, Uint8Array>> = {
  [ASKED]: OK,
  [BUSY]: line('BUSY currently processing reassign request'),
  [BAD_CLASS]: line('BADCLASS invalid src or dst class id'),
  [NO_SPARE_PAGE]: line('NOSPARE source class has no spare pages'),
  [SAME_CLASS]: line('SAME src and dst class are identical'),
}
const WINDOW_OUT_OF_BOUNDS = line('CLIENT_ERROR automove window too low or too high')
const LIMIT_TOO_SMALL = line('MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m')
const LIMIT_IN_BYTES = line('MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes')
const LIMIT_OUT_OF_BOUNDS = line('MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust')

const REASSIGN = word('reassign')
const AUTOMOVE = word('automove')
const RATIO = word('ratio')
const FREE_RATIO = word('freeratio')
const WINDOW = word('window')

const MAX_AUTOMOVE_MODE = 2
const MIN_WINDOW = 3
const MAX_WINDOW = 1800

const MEGABYTE = 1024 * 1024
const MIN_LIMIT_MEGABYTES = 8
/** Whoever gives more has bytes in mind. */
const MAX_LIMIT_MEGABYTES = 1_000_000_000

/** slabs reassign <source> <destination>, slabs automove <what> [<value>] */
export function processSlabs(context: Context): void {
  const { tokens } = context
  if (tokens.count === 4 && tokens.abbreviates(1, REASSIGN)) answer(context, reassign(context))
  else if (tokens.count >= 3 && tokens.abbreviates(1, AUTOMOVE)) answer(context, automove(context))
  else answer(context, ERROR)
}

function reassign({ tokens, cache, host }: Context): Uint8Array {
  if (!cache.options.slabReassignEnabled) return REASSIGN_DISABLED
  const source = parseI32(tokens.block, tokens.start[2], tokens.end[2])
  const destination = parseI32(tokens.block, tokens.start[3], tokens.end[3])
  if (Number.isNaN(source) || Number.isNaN(destination)) return BAD_FORMAT
  const outcome = cache.pageMoves.ask(source, destination, true)
  if (outcome === ASKED) host.wakeBackground()
  return REASSIGN_REPLIES[outcome]
}

function automove({ tokens, cache: { tuning } }: Context): Uint8Array {
  if (tokens.abbreviates(2, RATIO) || tokens.abbreviates(2, FREE_RATIO)) {
    const ratio = tokens.count > 3 ? Number(tokens.text(3)) : Number.NaN
    if (Number.isNaN(ratio)) return ERROR
    // The ratio of free memory is one that external storage keeps: without it, memcached too only hears it.
    if (tokens.abbreviates(2, RATIO)) tuning.slabAutomoveRatio = ratio
    return OK
  }
  if (tokens.abbreviates(2, WINDOW)) {
    const window =
      tokens.count > 3 ? parseU32(tokens.block, tokens.start[3], tokens.end[3]) : Number.NaN
    if (Number.isNaN(window)) return BAD_FORMAT
    if (window < MIN_WINDOW || window > MAX_WINDOW) return WINDOW_OUT_OF_BOUNDS
    tuning.slabAutomoveWindow = window
    return OK
  }
  const mode = parseU32(tokens.block, tokens.start[2], tokens.end[2])
  if (Number.isNaN(mode)) return BAD_FORMAT
  if (mode > MAX_AUTOMOVE_MODE) return ERROR
  tuning.slabAutomove = mode
  return OK
}

/** cache_memlimit <megabytes> */
export function processMemoryLimit(context: Context): void {
  const { tokens, cache, host } = context
  const megabytes =
    tokens.count > 1 ? parseU32(tokens.block, tokens.start[1], tokens.end[1]) : Number.NaN
  if (Number.isNaN(megabytes)) answer(context, ERROR)
  else if (megabytes < MIN_LIMIT_MEGABYTES) answer(context, LIMIT_TOO_SMALL)
  else if (megabytes > MAX_LIMIT_MEGABYTES) answer(context, LIMIT_IN_BYTES)
  else if (!cache.setMemoryLimit(megabytes * MEGABYTE)) answer(context, LIMIT_OUT_OF_BOUNDS)
  else {
    host.wakeBackground()
    answer(context, OK)
  }
}
