// Turns the bytes of a client, cut anywhere, into requests: classic and meta commands with memcached's rules for every
// token, so that what is passed on is well-formed whatever came. It is asked for one request after the other, which is
// how a client is held up that asks for more than may be under way. Knows no socket and no node.
// Long because what a command line may be is one grammar, to be read in one place.
import type { Operation } from '../wire/command.ts'
import { KEY_MAX_BYTES } from '../wire/key.ts'
import { type RelayedName, relayed } from '../wire/relayed-operations.ts'
import { parseExptime, parseFlags, parseI32, parseU32, parseU64 } from './numbers.ts'
import * as replies from './replies.ts'
import { NO_DATA, Request } from './request.ts'
import type { ValueMemory } from './value-memory.ts'

/** A line may be this long, or longer if it arrives whole (memcached); a list of keys may be longer. */
const WAITING_LINE_MAX_BYTES = 2048
const KEYS_LINE_MAX_BYTES = 16 * 1024 * 1024
/** A meta command without its key's list: what a node's buffers and ours have room for. */
const META_LINE_MAX_BYTES = 1024
/** The shortest line that is looked at, its end included. */
const LINE_MIN_BYTES = 4
/** Tokens beyond are not looked at. */
const MAX_TOKENS = 23
const MAX_META_TOKENS = 20
const MAX_DELETE_TOKENS = 4
/** The longest value a length may announce. */
const LENGTH_MAX = 0x7fff_ffff - 2
/** Values up to this long share memory with others. */
const POOLED_MAX_BYTES = 2048

const LF = 10
const CR = 13
const SPACE = 32
const LETTER_E = 101
const LETTER_G = 103
const LETTER_A = 97
const LETTER_Q = 113
const LETTER_S = 115
const LETTER_T = 116

/** Commands that are nobody's but the proxy's are not among them. */
const STORING: ReadonlyMap<string, Operation> = new Map(
  (['set', 'add', 'replace', 'append', 'prepend', 'cas'] as const).map((name) => [
    name,
    relayed[name],
  ]),
)
const META: ReadonlyMap<string, Operation> = new Map(
  (['mg', 'ms', 'md', 'ma', 'me'] as const).map((name) => [name, relayed[name]]),
)

export interface RequestLimits {
  /** Bytes of a value beyond which it is refused. */
  readonly maxValueSize: number
  /** Of all clients, for values that are still coming. */
  readonly memory: ValueMemory
}

export class RequestParser {
  readonly request = new Request()
  readonly #limits: RequestLimits
  /** What has come and is not consumed is `#input[#at..#end)`. */
  #input = NO_DATA
  #at = 0
  #end = 0
  /** The input is memory of the parser's own, with room behind its end. */
  #owned = false
  /** Bytes from `#at` on that are known to hold no line end. */
  #scanned = 0
  /** Keys of a list that are not handed out yet end here, before the line's end; 0 when there are none. */
  #keysEnd = 0
  #keysNext = 0
  /** A value under way: the request is complete but for it. */
  #value: Buffer | undefined
  #valueBytes = 0
  /** Bytes of a refused value that are dropped as they come. */
  #swallow = 0
  readonly #start = new Int32Array(MAX_TOKENS)
  readonly #stop = new Int32Array(MAX_TOKENS)
  #tokens = 0
  /** The client sends what is no line: nothing further is read. */
  broken = false

  constructor(limits: RequestLimits) {
    this.#limits = limits
  }

  /** Takes `chunk[0..length)`, which must not be changed until `keep` is called. */
  feed(chunk: Buffer, length: number): void {
    if (this.#at < this.#end) {
      this.#append(chunk, length)
      return
    }
    this.#input = chunk
    this.#at = 0
    this.#end = length
    this.#owned = false
  }

  /** Copies what is not consumed, so that the chunk may be changed. */
  keep(): void {
    if (this.#owned || this.#at === this.#end) return
    this.#own(0)
  }

  /** Fills in the next request; false when more bytes are needed. */
  next(): boolean {
    while (!this.broken) {
      if (this.#keysEnd > 0) this.#skipKeys()
      if (this.#value !== undefined) {
        if (!this.#fillValue(this.#value)) return false
        if (this.#takeValue()) return true
        continue
      }
      if (this.#swallow > 0) {
        const part = Math.min(this.#swallow, this.#end - this.#at)
        this.#swallow -= part
        this.#at += part
        if (this.#swallow > 0) return false
      }
      if (this.#at === this.#end) return false
      const newline = this.#findNewline()
      if (newline < 0) return false
      if (this.#readLine(newline)) return true
    }
    return false
  }

  /**
   * The next key of a request of kind `list`, in the request's `key`; false after the last. Those that are not asked
   * for are skipped by `next`.
   */
  nextKey(): boolean {
    const input = this.#input
    const end = this.#keysEnd
    let at = this.#at
    while (at < end && input[at] === SPACE) at++
    if (at >= end) {
      if (end > 0) this.#skipKeys()
      return false
    }
    const from = at
    let bits = 0
    for (; at < end && input[at] !== SPACE; at++) bits |= input[at]!
    this.request.key = input.toString('latin1', from, at)
    this.request.isAscii = bits < 0x80
    this.#at = at
    return true
  }

  /** Lets go of a value under way. */
  close(): void {
    this.broken = true
    if (this.#value !== undefined) this.#limits.memory.release(this.#value.length)
    this.#value = undefined
    this.#input = NO_DATA
    this.#at = 0
    this.#end = 0
  }

  #skipKeys(): void {
    this.#at = this.#keysNext
    this.#keysEnd = 0
  }

  /** Where the line ends that begins now; -1 when its end has not come. */
  #findNewline(): number {
    const input = this.#input
    const end = this.#end
    let at = this.#at + this.#scanned
    // Lines are short: a look at each byte costs less than a call.
    const near = Math.min(end, at + 100)
    while (at < near && input[at] !== LF) at++
    if (at === near && at < end) {
      const found = input.indexOf(LF, at)
      at = found < 0 || found > end ? end : found
    }
    if (at < end) {
      this.#scanned = 0
      return at
    }
    this.#scanned = end - this.#at
    if (this.#scanned > WAITING_LINE_MAX_BYTES && !this.#mayGrow()) this.broken = true
    return -1
  }

  /** Whether an unfinished long line is a list of keys, which may be longer than other lines. */
  #mayGrow(): boolean {
    if (this.#end - this.#at > KEYS_LINE_MAX_BYTES) return false
    return /^get?s? /.test(this.#input.toString('latin1', this.#at, this.#at + 5))
  }

  /** Reads a line of which all has come; true when it makes a request that is complete. */
  #readLine(newline: number): boolean {
    const input = this.#input
    const from = this.#at
    const end = newline > from && input[newline - 1] === CR ? newline - 1 : newline
    this.#at = newline + 1
    if (newline + 1 - from < LINE_MIN_BYTES) return this.#say(replies.BAD_FORMAT)
    if (isRetrieval(input, from, end)) return this.#readRetrieval(from, end, newline + 1)
    this.#split(from, end)
    if (this.#tokens === 0 || this.#start[0]! > from) return this.#say(replies.ERROR)
    return this.#readCommand(this.#token(0), end - from)
  }

  #readRetrieval(from: number, end: number, next: number): boolean {
    const input = this.#input
    const { request } = this
    const touches = input[from + 1] === LETTER_A
    const withCas = input[from + 3] === LETTER_S
    let at = from + (withCas ? 4 : 3)
    while (at < end && input[at] === SPACE) at++
    if (touches) {
      const start = at
      while (at < end && input[at] !== SPACE) at++
      const ttl = parseI32(input, start, at)
      while (at < end && input[at] === SPACE) at++
      if (at < end && Number.isNaN(ttl)) return this.#say(replies.INVALID_EXPTIME)
      request.ttl = ttl
      request.operation = withCas ? relayed.gats : relayed.gat
    } else {
      request.ttl = undefined
      request.operation = withCas ? relayed.gets : relayed.get
    }
    if (at === end || hasLongKey(input, at, end)) return this.#say(replies.BAD_FORMAT)
    request.flags = 0
    request.metaFlags = ''
    request.data = NO_DATA
    request.quiet = false
    this.#at = at
    this.#keysEnd = end
    this.#keysNext = next
    request.kind = 'get'
    this.nextKey()
    let rest = this.#at
    while (rest < end && input[rest] === SPACE) rest++
    if (rest === end) {
      this.#skipKeys()
      return true
    }
    request.kind = 'list'
    this.#at = at
    return true
  }

  #readCommand(name: string, lineBytes: number): boolean {
    const storing = STORING.get(name)
    if (storing !== undefined) return this.#readStorage(storing)
    const meta = META.get(name)
    if (meta !== undefined) return this.#readMeta(meta, lineBytes)
    switch (name) {
      case 'delete':
        if (this.#tokens > MAX_DELETE_TOKENS) return this.#say(replies.ERROR)
        return this.#readKeyed('delete', 2)
      case 'incr':
      case 'decr':
        return this.#readKeyed(name, 3)
      case 'touch':
        return this.#readKeyed('touch', 3)
      case 'mn':
        return this.#say(replies.NOOP)
      case 'version':
        return this.#say(replies.VERSION)
      case 'verbosity':
        return this.#readVerbosity()
      case 'flush_all':
        return this.#readFlush()
      case 'stats':
        this.request.kind = 'stats'
        this.request.text = Array.from({ length: this.#tokens - 1 }, (_, i) =>
          this.#token(i + 1),
        ).join(' ')
        return true
      case 'quit':
        return this.#quit()
      case 'shutdown':
        return this.#say(replies.SHUTDOWN_NOT_ENABLED)
      case 'get':
      case 'gets':
      case 'gat':
      case 'gats':
        return this.#say(replies.BAD_FORMAT)
      default:
        // A browser that has lost its way is not answered.
        if (this.#token(this.#tokens - 1).startsWith('HTTP/')) return this.#quit()
        return this.#say(replies.ERROR)
    }
  }

  #readKeyed(name: RelayedName & ('delete' | 'incr' | 'decr' | 'touch'), tokens: number): boolean {
    if (this.#tokens < tokens) return this.#say(replies.BAD_FORMAT)
    const quiet = this.#hasNoreply()
    if (!this.#takeKey()) return this.#answer(replies.BAD_FORMAT, quiet)
    const { request } = this
    request.ttl = undefined
    if (name === 'touch') {
      const ttl = parseI32(this.#input, this.#start[2]!, this.#stop[2]!)
      if (Number.isNaN(ttl)) return this.#answer(replies.INVALID_EXPTIME, quiet)
      request.ttl = ttl
    } else if (name !== 'delete') {
      const delta = parseU64(this.#input, this.#start[2]!, this.#stop[2]!)
      if (delta === undefined) return this.#answer(replies.INVALID_DELTA, quiet)
      request.operand = delta
    }
    return this.#keyed(relayed[name], quiet)
  }

  #readVerbosity(): boolean {
    const level =
      this.#tokens > 1 ? parseU32(this.#input, this.#start[1]!, this.#stop[1]!) : Number.NaN
    return this.#answer(Number.isNaN(level) ? replies.BAD_FORMAT : replies.OK, this.#hasNoreply())
  }

  #readFlush(): boolean {
    const { request } = this
    const quiet = this.#hasNoreply()
    request.ttl = undefined
    if (this.#tokens > 1 && this.#token(1) !== 'noreply') {
      const delay = parseI32(this.#input, this.#start[1]!, this.#stop[1]!)
      if (Number.isNaN(delay)) return this.#answer(replies.INVALID_EXPTIME, quiet)
      if (delay > 0) request.ttl = delay
    }
    request.kind = 'flush'
    request.quiet = quiet
    return true
  }

  #quit(): boolean {
    this.request.kind = 'quit'
    this.broken = true
    return true
  }

  /** `<name> <key> <flags> <exptime> <bytes>[ <cas>][ noreply]`. */
  #readStorage(operation: Operation): boolean {
    const input = this.#input
    const start = this.#start
    const stop = this.#stop
    const isCas = operation === relayed.cas
    const length =
      this.#tokens > (isCas ? 5 : 4) ? parseU32(input, start[4]!, stop[4]!) : Number.NaN
    if (!(length <= LENGTH_MAX)) return this.#say(replies.BAD_FORMAT)
    const { request } = this
    const quiet = this.#hasNoreply()
    const flags = parseFlags(input, start[2]!, stop[2]!)
    const ttl = parseExptime(input, start[3]!, stop[3]!)
    const cas = isCas ? parseU64(input, start[5]!, stop[5]!) : 0
    if (!this.#takeKey() || Number.isNaN(flags) || Number.isNaN(ttl) || cas === undefined) {
      return this.#refuse(length, replies.BAD_FORMAT, quiet)
    }
    request.flags = flags
    request.ttl = ttl
    request.operand = cas
    request.metaFlags = ''
    request.operation = operation
    request.quiet = quiet
    return this.#beginValue(length, operation === relayed.set)
  }

  /** `<name> <key>[ <bytes>] <flag>*`. */
  #readMeta(operation: Operation, lineBytes: number): boolean {
    const { request } = this
    const isStore = operation === relayed.ms
    const firstFlag = isStore ? 3 : 2
    let length = 0
    if (isStore) {
      length =
        this.#tokens >= firstFlag
          ? parseU32(this.#input, this.#start[2]!, this.#stop[2]!)
          : Number.NaN
      if (!(length <= LENGTH_MAX)) return this.#say(replies.BAD_FORMAT)
    }
    const wrong = this.#readMetaFlags(firstFlag, lineBytes)
    if (wrong !== '') return isStore ? this.#refuse(length, wrong, false) : this.#say(wrong)
    request.flags = 0
    request.ttl = undefined
    request.operation = operation
    if (isStore) return this.#beginValue(length, true)
    return this.#keyed(operation, request.quiet)
  }

  /** Takes key and flags; returns what is wrong with them, or ''. */
  #readMetaFlags(firstFlag: number, lineBytes: number): string {
    const { request } = this
    if (this.#tokens < 2 || !this.#takeKey()) return replies.BAD_FORMAT
    if (this.#tokens > MAX_META_TOKENS || lineBytes > META_LINE_MAX_BYTES) {
      return replies.TOO_MANY_FLAGS
    }
    let quiet = 0
    for (let token = firstFlag; token < this.#tokens; token++) {
      if (this.#input[this.#start[token]!] === LETTER_Q) quiet++
    }
    if (quiet > 1) return replies.DUPLICATE_FLAG
    request.quiet = quiet > 0
    request.metaFlags =
      firstFlag < this.#tokens
        ? this.#input.toString('latin1', this.#start[firstFlag], this.#stop[this.#tokens - 1])
        : ''
    if (quiet > 0) request.metaFlags = withoutQuiet(request.metaFlags)
    return ''
  }

  #keyed(operation: Operation, quiet: boolean): boolean {
    const { request } = this
    request.kind = 'keyed'
    request.operation = operation
    request.data = NO_DATA
    request.quiet = quiet
    if (operation.name[0] !== 'm') request.metaFlags = ''
    return true
  }

  /** The value of a storage command begins. `replaces`: what is there goes when it is too large. */
  #beginValue(length: number, replaces: boolean): boolean {
    const { maxValueSize, memory } = this.#limits
    const { request } = this
    if (length > maxValueSize) {
      this.#swallow = length + 2
      if (!replaces) return this.#answer(replies.TOO_LARGE, request.quiet)
      request.kind = 'refused'
      request.text = replies.TOO_LARGE
      // What `q` hides is success.
      if (request.operation === relayed.ms) request.quiet = false
      return true
    }
    if (!memory.take(length + 2)) return this.#refuse(length, replies.NO_MEMORY, request.quiet)
    const bytes = length + 2
    this.#value =
      bytes > POOLED_MAX_BYTES ? Buffer.allocUnsafeSlow(bytes) : Buffer.allocUnsafe(bytes)
    this.#valueBytes = 0
    return this.#fillValue(this.#value) && this.#takeValue()
  }

  #fillValue(value: Buffer): boolean {
    const copied = this.#input.copy(
      value,
      this.#valueBytes,
      this.#at,
      Math.min(this.#end, this.#at + value.length - this.#valueBytes),
    )
    this.#valueBytes += copied
    this.#at += copied
    return this.#valueBytes === value.length
  }

  /** The value is complete; true when it makes a request. */
  #takeValue(): boolean {
    const value = this.#value!
    this.#value = undefined
    this.#limits.memory.release(value.length)
    const { request } = this
    const end = value.length
    if (value[end - 2] !== CR || value[end - 1] !== LF) {
      const hidden = request.quiet && request.operation !== relayed.ms
      return this.#answer(replies.BAD_CHUNK, hidden)
    }
    request.kind = 'keyed'
    request.data = value
    return true
  }

  /** Says what is wrong with a storage command, and drops its value. */
  #refuse(length: number, text: string, quiet: boolean): boolean {
    this.#swallow = length + 2
    return this.#answer(text, quiet)
  }

  /** Answers what `noreply` hides. */
  #answer(text: string, quiet: boolean): boolean {
    return quiet ? false : this.#say(text)
  }

  #say(text: string): boolean {
    this.request.kind = 'text'
    this.request.text = text
    return true
  }

  #split(from: number, end: number): void {
    const input = this.#input
    let count = 0
    let at = from
    while (at < end && count < MAX_TOKENS) {
      while (at < end && input[at] === SPACE) at++
      if (at === end) break
      this.#start[count] = at
      while (at < end && input[at] !== SPACE) at++
      this.#stop[count++] = at
    }
    this.#tokens = count
  }

  #token(index: number): string {
    return this.#input.toString('latin1', this.#start[index], this.#stop[index])
  }

  /** The last token, and exactly that word. */
  #hasNoreply(): boolean {
    const last = this.#tokens - 1
    return (
      last > 0 && this.#stop[last]! - this.#start[last]! === 7 && this.#token(last) === 'noreply'
    )
  }

  /** The second token; false when it is too long. */
  #takeKey(): boolean {
    const input = this.#input
    const from = this.#start[1]!
    const end = this.#stop[1]!
    if (end - from > KEY_MAX_BYTES) return false
    let bits = 0
    for (let at = from; at < end; at++) bits |= input[at]!
    this.request.key = input.toString('latin1', from, end)
    this.request.isAscii = bits < 0x80
    return true
  }

  #append(chunk: Buffer, length: number): void {
    if (!this.#owned || this.#input.length - this.#end < length) this.#own(length)
    chunk.copy(this.#input, this.#end, 0, length)
    this.#end += length
  }

  /** Moves what is not consumed into memory of its own, with room for more behind it. */
  #own(room: number): void {
    const rest = this.#end - this.#at
    const memory = Buffer.allocUnsafeSlow(Math.max(256, (rest + room) * 2))
    this.#input.copy(memory, 0, this.#at, this.#end)
    if (this.#keysEnd > 0) {
      this.#keysEnd -= this.#at
      this.#keysNext -= this.#at
    }
    this.#input = memory
    this.#at = 0
    this.#end = rest
    this.#owned = true
  }
}

/** `get `, `gat `, `gets ` or `gats `. */
function isRetrieval(input: Buffer, at: number, end: number): boolean {
  const second = input[at + 1]
  if (input[at] !== LETTER_G || (second !== LETTER_E && second !== LETTER_A)) return false
  if (input[at + 2] !== LETTER_T) return false
  if (input[at + 3] === SPACE) return at + 3 < end
  return input[at + 3] === LETTER_S && at + 4 < end && input[at + 4] === SPACE
}

function hasLongKey(input: Buffer, from: number, end: number): boolean {
  if (end - from <= KEY_MAX_BYTES) return false
  let length = 0
  for (let at = from; at < end; at++) {
    length = input[at] === SPACE ? 0 : length + 1
    if (length > KEY_MAX_BYTES) return true
  }
  return false
}

function withoutQuiet(flags: string): string {
  return flags
    .split(' ')
    .filter((flag) => flag !== '' && flag[0] !== 'q')
    .join(' ')
}
