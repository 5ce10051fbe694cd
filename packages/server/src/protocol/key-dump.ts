// lru_crawler metadump and mgdump, list_prefix: the keys there are, in lines. Walks the hash table, whose walk neither
// misses nor repeats an item, whatever is stored and moved meanwhile. Knows the lines, no socket.
import type { Cache } from '../cache/cache.ts'
import { FETCHED, type ItemRef } from '../cache/item.ts'
import { MemoryBlock } from '../cache/memory.ts'
import type { Context } from './context.ts'
import type { Listing } from './listing.ts'
import { line, REPLY_BYTES, Reply } from './reply.ts'

const ANY = new Uint8Array()

export type DumpFormat = 'metadump' | 'mgdump'

/** Buckets walked under one hold of the lock, where they are empty: some 100 microseconds. */
const BUCKETS_PER_STEP = 2000
/** No line is longer: a key of 250 bytes percent-encoded, the names, and numbers of up to 20 digits. */
const MAX_LINE_BYTES = 1024
const ITEMS_PER_REPLY = Math.floor(REPLY_BYTES / MAX_LINE_BYTES)

const END = line('END')
const EN = line('EN')
const MG_ = Buffer.from('mg ', 'latin1')
const BASE64_MARK = line(' b')
const KEY_ = Buffer.from('key=', 'latin1')
const NEXT_ = Buffer.from('NEXT ', 'latin1')
const LF = 10

/** Bytes of a key that metadump writes as they are; the others become %XX. */
const PLAIN = new Uint8Array(256)
for (const byte of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~',
  'latin1',
)) {
  PLAIN[byte] = 1
}
const PERCENT = 37
const HEX_DIGITS = Buffer.from('0123456789ABCDEF', 'latin1')

/** Which keys; all where nothing is said. */
export interface DumpOptions {
  readonly classes?: ReadonlySet<number> | undefined
  /** What they begin with. */
  readonly prefix?: Uint8Array
  /** Ends with the bucket that completes so many of them, and tells how to go on. */
  readonly count?: number
  /** Where an earlier dump has ended; 0: at the beginning. */
  readonly cursor?: number
}

export class KeyDump implements Listing {
  readonly #format: DumpFormat
  readonly #classes: ReadonlySet<number> | undefined
  readonly #prefix: Uint8Array
  #cursor: number
  /** So many are still wanted. */
  #wanted: number
  /** Lines of a bucket too long for a reply, and how much of them was sent. */
  #rest: Uint8Array | undefined
  #restSent = 0
  #walked = false
  /** The living items of the bucket in hand. */
  readonly #bucket: ItemRef[] = []

  constructor(format: DumpFormat, options: DumpOptions = {}) {
    const { classes, prefix = ANY, count = Number.POSITIVE_INFINITY, cursor = 0 } = options
    this.#format = format
    this.#classes = classes
    this.#prefix = prefix
    this.#wanted = count
    this.#cursor = cursor | 0
  }

  step(context: Context): boolean {
    const { reply, cache } = context
    for (let buckets = 0; buckets < BUCKETS_PER_STEP && !reply.full; buckets++) {
      if (this.#rest !== undefined) {
        this.#sendRest(reply)
        continue
      }
      if (this.#walked) {
        this.#end(reply)
        return true
      }
      this.#bucket.length = 0
      const next = cache.table.scan(this.#cursor, (item) => {
        if (this.#isWanted(cache, item)) this.#bucket.push(item)
      })
      const room = Math.floor(reply.room / MAX_LINE_BYTES)
      if (this.#bucket.length > room && room < ITEMS_PER_REPLY) return false
      if (this.#bucket.length > room) this.#keepRest(context)
      else for (const item of this.#bucket) this.#write(context, reply, item)
      this.#wanted -= this.#bucket.length
      this.#cursor = next
      this.#walked = next === 0 || this.#wanted <= 0
    }
    return false
  }

  /** The last line: that there is no more, or where there may be. */
  #end(reply: Reply): void {
    if (this.#cursor === 0) {
      reply.text(this.#format === 'metadump' ? END : EN)
      return
    }
    reply.text(NEXT_)
    reply.number(this.#cursor >>> 0)
    reply.crlf()
  }

  #isWanted(cache: Cache, item: ItemRef): boolean {
    const wanted = this.#classes?.has(cache.items.slabClass(item)) ?? true
    return wanted && this.#hasPrefix(cache, item) && !cache.isDead(item)
  }

  #hasPrefix({ items }: Cache, item: ItemRef): boolean {
    const prefix = this.#prefix
    if (prefix.length > items.keyLength(item)) return false
    const { view } = items.block(item)
    const at = items.keyAt(item)
    for (let i = 0; i < prefix.length; i++) {
      if (view.getUint8(at + i) !== prefix[i]) return false
    }
    return true
  }

  /** With `-o no_hashexpand` a bucket can hold very many items: their lines are made at once. */
  #keepRest(context: Context): void {
    const bytes = this.#bucket.length * MAX_LINE_BYTES
    const lines = new Reply(new MemoryBlock(new ArrayBuffer(bytes)))
    for (const item of this.#bucket) this.#write(context, lines, item)
    this.#rest = lines.block.bytes.slice(0, lines.length)
    this.#restSent = 0
  }

  #sendRest(reply: Reply): void {
    const rest = this.#rest
    if (rest === undefined) return
    while (this.#restSent < rest.length && !reply.full) reply.byte(rest[this.#restSent++])
    if (this.#restSent === rest.length) this.#rest = undefined
  }

  #write(context: Context, target: Reply, item: ItemRef): void {
    if (this.#format === 'metadump') writeMetadata(context.cache, target, item)
    else writeRequest(context, target, item)
  }
}

/** The line of metadump: what is known of an item. */
function writeMetadata(cache: Cache, target: Reply, item: ItemRef): void {
  const { items, clock } = cache
  const expiry = items.expiry(item)
  target.text(KEY_)
  writeEncoded(target, items.block(item).bytes, items.keyAt(item), items.keyLength(item))
  target.string(` exp=${expiry === 0 ? -1 : clock.toUnix(expiry)}`)
  target.string(` la=${clock.toUnix(clock.now - cache.idleSeconds(item))} cas=`)
  target.number64(items.casLow(item), items.casHigh(item))
  target.string(` fetch=${(items.flags(item) & FETCHED) === 0 ? 'no' : 'yes'}`)
  target.string(` cls=${items.slabClass(item)} size=${items.sizeOf(item)} flags=`)
  target.number(items.clientFlags(item))
  target.string(' ')
  target.byte(LF)
}

/** The line of mgdump: the request that fetches the item. */
function writeRequest(context: Context, target: Reply, item: ItemRef): void {
  const { items } = context.cache
  const binary = context.isBinaryKey(item)
  target.text(MG_)
  context.writeKey(items.block(item), items.keyAt(item), items.keyLength(item), binary, target)
  if (binary) target.text(BASE64_MARK)
  else target.crlf()
}

function writeEncoded(target: Reply, bytes: Uint8Array, at: number, length: number): void {
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i]
    if (PLAIN[byte] === 1) {
      target.byte(byte)
    } else {
      target.byte(PERCENT)
      target.byte(HEX_DIGITS[byte >>> 4])
      target.byte(HEX_DIGITS[byte & 15])
    }
  }
}
