// debugtime, debugitem and misbehave: the commands of memcached's debug build, for tests of the clock and of
// items that are in use. Only with `-o debug_commands`. Knows what they answer.
import { MAX_PINS } from '../cache/item.ts'
import { type Context, ERROR, OK } from './context.ts'
import { parseI32 } from './numbers.ts'
import { line } from './reply.ts'
import { word } from './tokens.ts'

const MISS = line('MISS')
const PAUSE = word('p')
const RESUME = word('r')
const LOCK = word('lock')
const UNLOCK = word('unlock')
const REF = word('ref')
const UNREF = word('unref')

/** `debugtime p|r|<seconds>`: pauses the clock, lets it go on, or moves it. */
export function processDebugTime({ tokens, cache, reply }: Context): void {
  const { clock } = cache
  if (tokens.abbreviates(1, PAUSE)) {
    clock.paused = true
  } else if (tokens.abbreviates(1, RESUME)) {
    clock.paused = false
  } else {
    const seconds = parseI32(tokens.block, tokens.start[1], tokens.end[1])
    if (tokens.count < 2 || Number.isNaN(seconds)) {
      reply.text(ERROR)
      return
    }
    clock.move(seconds)
  }
  reply.text(OK)
}

/**
 * `debugitem lock|unlock|ref|unref <key>`: keeps an item from being moved and its memory from being freed, as
 * a reply that still sends from it does. An item has no lock of its own here; what holds the lock of one in
 * memcached does the same to it as a reference.
 */
export function processDebugItem(context: Context): void {
  const { tokens, cache, reply } = context
  const locks = tokens.abbreviates(1, LOCK)
  const unlocks = !locks && tokens.abbreviates(1, UNLOCK)
  const refers = !locks && !unlocks && tokens.abbreviates(1, REF)
  const known = locks || unlocks || refers || tokens.abbreviates(1, UNREF)
  if (!known || tokens.count < 3 || !context.takeKeyToken(2)) {
    reply.text(ERROR)
    return
  }
  const item = context.find()
  if (item === 0) {
    // Locks are of keys, not of items.
    reply.text(locks || unlocks ? OK : MISS)
    return
  }
  const pins = cache.items.pins(item)
  if (locks || refers ? pins === MAX_PINS : pins === 0) {
    reply.text(ERROR)
    return
  }
  if (locks || refers) cache.pin(item)
  else cache.unpin(item)
  reply.text(OK)
}

/** Tries what a sandbox would forbid. There is none, so it is allowed, which memcached calls an error. */
export function processMisbehave({ reply }: Context): void {
  reply.text(ERROR)
}
