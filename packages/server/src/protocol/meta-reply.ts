// What the meta commands' answers have in common: statuses and return flags. Knows no command.
import { FETCHED, type ItemRef } from '../cache/item.ts'
import type { Context } from './context.ts'
import {
  FLAG_BASE64,
  FLAG_CAS,
  FLAG_CLIENT_FLAGS,
  FLAG_HIT_BEFORE,
  FLAG_KEY,
  FLAG_LAST_ACCESS,
  FLAG_OPAQUE,
  FLAG_SIZE,
  FLAG_TTL,
  flags,
} from './meta-flags.ts'

export const HD = Buffer.from('HD', 'latin1')
export const EN = Buffer.from('EN', 'latin1')
export const EX = Buffer.from('EX', 'latin1')
export const NF = Buffer.from('NF', 'latin1')
export const NS = Buffer.from('NS', 'latin1')
export const VA_ = Buffer.from('VA ', 'latin1')

/** Flags begin at this token, after command and key. */
export const FLAGS_AT = 2

const SPACE = 32
const ONE = 49
const ZERO = 48

/** Whether the item has the CAS unique that the request gave with `C`. */
export function matchesCas(context: Context, item: ItemRef): boolean {
  const { items } = context.cache
  return items.casLow(item) === flags.compareLow && items.casHigh(item) === flags.compareHigh
}

/** A status line for a command that has no item to tell of: the flags that only echo the request. */
export function writeStatus(context: Context, status: Uint8Array): void {
  const { reply, tokens } = context
  reply.text(status)
  for (let token = FLAGS_AT; token < tokens.count; token++) writeEcho(context, token)
  reply.crlf()
}

/** O and k. */
export function writeEcho(context: Context, token: number): void {
  const { reply, tokens } = context
  const flag = tokens.first(token)
  if (flag === FLAG_OPAQUE) {
    reply.byte(SPACE)
    reply.copy(tokens.block, tokens.start[token], tokens.length(token))
  } else if (flag === FLAG_KEY) {
    const binary = flags.itemFlags !== 0
    reply.flag(FLAG_KEY)
    context.writeKey(context.key, context.keyAt, context.keyLength, binary)
    if (binary) reply.flag(FLAG_BASE64)
  }
}

export function writeItemFlag(context: Context, token: number, item: ItemRef): void {
  const { cache, reply } = context
  const { items, clock } = cache
  const flag = context.tokens.first(token)
  switch (flag) {
    case FLAG_SIZE:
      reply.flag(flag)
      reply.number(items.valueLength(item))
      return
    case FLAG_TTL: {
      reply.flag(flag)
      const expiry = items.expiry(item)
      if (expiry === 0) reply.string('-1')
      else reply.number(expiry - clock.now)
      return
    }
    case FLAG_CAS:
      reply.flag(flag)
      reply.number64(items.casLow(item), items.casHigh(item))
      return
    case FLAG_CLIENT_FLAGS:
      reply.flag(flag)
      reply.number(items.clientFlags(item))
      return
    case FLAG_LAST_ACCESS:
      reply.flag(flag)
      reply.number(cache.idleSeconds(item))
      return
    case FLAG_HIT_BEFORE:
      reply.flag(flag)
      reply.byte((items.flags(item) & FETCHED) === 0 ? ZERO : ONE)
      return
    case FLAG_KEY: {
      reply.flag(flag)
      const binary = context.isBinaryKey(item)
      context.writeKey(items.block(item), items.keyAt(item), items.keyLength(item), binary)
      if (binary) reply.flag(FLAG_BASE64)
      return
    }
    default:
      writeEcho(context, token)
  }
}
