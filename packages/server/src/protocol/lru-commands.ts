// lru and lru_crawler: how the LRU lists are kept and when expired items are looked for, changed while the
// server runs. Knows what the commands answer; who obeys them finds it in the cache's tuning.

import { MAX_SLAB_CLASSES } from '../cache/arena.ts'
import { requestCrawl } from '../cache/crawler.ts'
import { answer } from './classic.ts'
import type { Connection } from './connection.ts'
import { BAD_FORMAT, type Context, ERROR, OK } from './context.ts'
import { type DumpFormat, KeyDump } from './key-dump.ts'
import { parseI32, parseU32 } from './numbers.ts'
import { line } from './reply.ts'
import { word } from './tokens.ts'

const MAX_HOT_AND_WARM_PERCENT = 80
const MAX_SLEEP_MICROSECONDS = 1_000_000

const PERCENT_TOO_HIGH = line('ERROR hot and warm pcts must not exceed 80')
const FACTOR_TOO_LOW = line('ERROR hot/warm age factors must be greater than 0')
const CRAWLER_NOT_STARTED = line('ERROR failed to start lru crawler thread')
const CRAWLER_DISABLED = line('CLIENT_ERROR lru crawler disabled')
const SLEEP_TOO_LONG = line('CLIENT_ERROR sleep must be one second or less')
const BUSY = line('BUSY currently processing crawler request')
const BAD_CLASS = line('BADCLASS invalid class id')
const NOTHING_TO_CRAWL = line('NOTSTARTED no items to crawl')
const UNKNOWN_ERROR = line('ERROR an unknown error happened')
const DUMP_REFUSALS = {
  metadump: {
    notAllowed: line('ERROR metadump not allowed'),
    pipelined: line('ERROR cannot pipeline other commands before metadump'),
  },
  mgdump: {
    notAllowed: line('ERROR key dump not allowed'),
    pipelined: line('ERROR cannot pipeline other commands before mgdump'),
  },
} as const

const TUNE = word('tune')
const MODE = word('mode')
const TEMP_TTL = word('temp_ttl')
const FLAT = word('flat')
const SEGMENTED = word('segmented')
const CRAWL = word('crawl')
const METADUMP = word('metadump')
const MGDUMP = word('mgdump')
const TOCRAWL = word('tocrawl')
const SLEEP = word('sleep')
const ENABLE = word('enable')
const DISABLE = word('disable')

export function processLru(context: Context): void {
  const { tokens, cache } = context
  const { maintained } = cache.options
  if (tokens.abbreviates(1, TUNE) && tokens.count >= 6) answer(context, tune(context))
  else if (tokens.abbreviates(1, MODE) && tokens.count >= 3 && maintained) {
    answer(context, setMode(context))
  } else if (tokens.abbreviates(1, TEMP_TTL) && tokens.count >= 3 && maintained) {
    answer(context, setTemporaryTtl(context))
  } else answer(context, ERROR)
}

/** `lru tune <hot %> <warm %> <hot factor> <warm factor>`. */
function tune(context: Context): Uint8Array {
  const { tokens, cache } = context
  const hotPercent = u32(context, 2)
  const warmPercent = u32(context, 3)
  const hotFactor = decimal(tokens.text(4))
  const warmFactor = decimal(tokens.text(5))
  if ([hotPercent, warmPercent, hotFactor, warmFactor].some(Number.isNaN)) return ERROR
  if (hotPercent + warmPercent > MAX_HOT_AND_WARM_PERCENT) return PERCENT_TOO_HIGH
  if (hotFactor <= 0 || warmFactor <= 0) return FACTOR_TOO_LOW
  cache.tuning.hotPercent = hotPercent
  cache.tuning.warmPercent = warmPercent
  cache.tuning.hotMaxFactor = hotFactor
  cache.tuning.warmMaxFactor = warmFactor
  return OK
}

function setMode({ tokens, cache }: Context): Uint8Array {
  const segmented = tokens.is(2, SEGMENTED)
  if (!segmented && !tokens.is(2, FLAT)) return ERROR
  cache.tuning.segmented = segmented
  return OK
}

function setTemporaryTtl({ tokens, cache }: Context): Uint8Array {
  const seconds = parseI32(tokens.block, tokens.start[2], tokens.end[2])
  if (Number.isNaN(seconds)) return ERROR
  cache.tuning.temporaryTtlSeconds = seconds < 0 ? undefined : seconds
  return OK
}

export function processLruCrawler(context: Context, connection: Connection): void {
  const { tokens, cache } = context
  const { tuning } = cache
  if (tokens.count === 2) {
    context.reply.text(switchCrawler(context))
  } else if (tokens.count !== 3) {
    context.reply.text(ERROR)
  } else if (tokens.abbreviates(1, CRAWL)) {
    context.reply.text(tuning.crawlerEnabled ? crawl(context) : CRAWLER_DISABLED)
  } else if (tokens.abbreviates(1, METADUMP)) {
    context.reply.text(dump(context, connection, 'metadump'))
  } else if (tokens.abbreviates(1, MGDUMP)) {
    context.reply.text(dump(context, connection, 'mgdump'))
  } else if (tokens.abbreviates(1, TOCRAWL)) {
    const items = u32(context, 2)
    if (!Number.isNaN(items)) tuning.crawlerItemsPerRun = items
    context.reply.text(Number.isNaN(items) ? BAD_FORMAT : OK)
  } else if (tokens.abbreviates(1, SLEEP)) {
    context.reply.text(setSleep(context))
  } else {
    context.reply.text(ERROR)
  }
}

function switchCrawler({ tokens, cache }: Context): Uint8Array {
  const { tuning } = cache
  if (tokens.abbreviates(1, ENABLE)) {
    if (tuning.crawlerEnabled) return CRAWLER_NOT_STARTED
    tuning.crawlerEnabled = true
    return OK
  }
  if (!tokens.abbreviates(1, DISABLE)) return ERROR
  tuning.crawlerEnabled = false
  return OK
}

function setSleep(context: Context): Uint8Array {
  const microseconds = u32(context, 2)
  if (Number.isNaN(microseconds)) return BAD_FORMAT
  if (microseconds > MAX_SLEEP_MICROSECONDS) return SLEEP_TOO_LONG
  context.cache.tuning.crawlerSleepMicroseconds = microseconds
  return OK
}

function crawl({ tokens, cache, host }: Context): Uint8Array {
  const classes = parseClasses(tokens.text(2))
  if (classes === 'bad class') return BAD_CLASS
  // The hash table can be dumped only.
  if (classes === 'hash') return cache.crawl.running ? BUSY : UNKNOWN_ERROR
  if (cache.crawl.running) return BUSY
  if (classes.size === 0) return NOTHING_TO_CRAWL
  requestCrawl(cache, classes)
  host.wakeBackground()
  return OK
}

function dump(context: Context, connection: Connection, format: DumpFormat): Uint8Array {
  const { tokens, cache, host } = context
  const refusals = DUMP_REFUSALS[format]
  // Whoever asks by datagrams is not to be sent any amount of them.
  if (connection.datagram) return ERROR
  if (!cache.tuning.crawlerEnabled) return CRAWLER_DISABLED
  if (!host.dumpEnabled) return refusals.notAllowed
  if (context.pipelined) return refusals.pipelined
  const classes = parseClasses(tokens.text(2))
  if (classes === 'bad class') return BAD_CLASS
  if (classes !== 'hash' && classes.size === 0) return NOTHING_TO_CRAWL
  const all = classes === 'hash' || classes.size === MAX_SLAB_CLASSES - 1
  connection.list(new KeyDump(format, all ? {} : { classes }))
  return OK
}

/** `all`, `hash`, or class numbers divided by commas. */
function parseClasses(text: string): Set<number> | 'hash' | 'bad class' {
  if (text === 'hash') return 'hash'
  const numbers =
    text === 'all'
      ? Array.from({ length: MAX_SLAB_CLASSES - 1 }, (_, i) => i + 1)
      : text
          .split(',')
          .filter((part) => part !== '')
          .map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN))
  return numbers.every((number) => number >= 1 && number < MAX_SLAB_CLASSES)
    ? new Set(numbers)
    : 'bad class'
}

function u32({ tokens }: Context, token: number): number {
  return parseU32(tokens.block, tokens.start[token], tokens.end[token])
}

/** A decimal fraction as C's strtod takes it, but for the infinite ones. */
function decimal(text: string): number {
  const value = Number(text)
  return Number.isFinite(value) ? value : Number.NaN
}
