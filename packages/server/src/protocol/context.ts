// What every command works with: the cache, the reply being written, the line being read. One per
// worker thread, reused for every request. Knows no command.
import type { Cache } from '../cache/cache.ts'
import {
  CHUNK_HEADER_BYTES,
  CHUNKED,
  type ItemRef,
  KEY_BINARY,
  MAX_KEY_BYTES,
} from '../cache/item.ts'
import { MemoryBlock, permanentBlock } from '../cache/memory.ts'
import { StoreRequest } from '../cache/store.ts'
import { encodeBase64 } from './base64.ts'
import { BinaryRequest } from './binary-request.ts'
import type { BindingProtocol } from './binding-protocol.ts'
import type { Credentials } from './credentials.ts'
import { KeyBatch } from './key-batch.ts'
import { KeySamples } from './key-samples.ts'
import { Lookahead } from './lookahead.ts'
import { INLINE_VALUE_MAX_BYTES, line, REPLY_BYTES, Reply } from './reply.ts'
import { Tokens } from './tokens.ts'
import { isWord } from './word.ts'

/** What the process around the protocol provides to the commands that ask about it or act on it. */
export interface Host {
  /** `flush_all` is allowed (no `-F`). */
  readonly flushEnabled: boolean
  /** `shutdown` is allowed (`-A`). */
  readonly shutdownEnabled: boolean
  /** `watch` is allowed (no `-W`). */
  readonly watchEnabled: boolean
  /** `-B`: the protocol of all clients; with `auto`, each one's first byte tells. */
  readonly bindingProtocol: BindingProtocol
  /** The commands that list keys are allowed (no `-X`). */
  readonly dumpEnabled: boolean
  /** The commands for tests are there (`-o debug_commands`). */
  readonly debugCommandsEnabled: boolean
  /** `-Y`: who may give commands; undefined: everybody. */
  readonly credentials: Credentials | undefined
  /** `-R`: after so many requests of one connection, those that wait have their turn. */
  readonly requestsPerTurn: number
  /** `-o read_buf_mem_limit`: answers that may wait to be sent to one connection; Infinity without it. */
  readonly maxWaitingAnswers: number
  /** `-S`: whether a login is good; undefined: nobody needs one. It may take its time: not under the lock. */
  readonly logIn: ((login: Login) => boolean) | undefined
  /** The pairs of `stats settings`. */
  settings(): readonly (readonly [string, string])[]
  process(): ProcessStatistics
  /** Every connection and listener, by descriptor; `asking` is the descriptor of who wants to know. */
  connections(asking: number): Iterable<ConnectionDescription>
  /** The tuning's verbosity is another one. */
  verbosityChanged(): void
  shutdown(graceful: boolean): void
  /**
   * `refresh_certs`: has new certificates read, and says what is wrong with them; undefined without TLS. It takes its
   * time: not under the lock.
   */
  readonly refreshCertificates: (() => string | undefined) | undefined
  /** Lets the background work look at what a command has asked it to do. */
  wakeBackground(): void
  /** `stats reset` for what the process counts itself. */
  resetStatistics(): void
}

/** What a client that logs in by SASL says of itself. */
export interface Login {
  /** Whom it wants to act as; empty: as itself. */
  readonly authorization: string
  readonly user: string
  readonly password: string
}

/** The part of `stats` that is about the process and its connections. */
export interface ProcessStatistics {
  readonly pid: number
  readonly userSeconds: number
  readonly systemSeconds: number
  readonly maxConnections: number
  readonly currentConnections: number
  readonly totalConnections: number
  readonly rejectedConnections: number
  readonly threads: number
  /** `-o maxconns_fast`: a connection too many is refused and counted, instead of having to wait. */
  readonly rejectsOverLimit: boolean
  /** Connections closed by `-o idle_timeout`; undefined without it. */
  readonly idleKicks: number | undefined
  /** Whether new connections are accepted at the moment. */
  readonly accepting: boolean
  /** How often accepting was stopped, and for how long in all. */
  readonly timesListenDisabled: number
  readonly listenDisabledMicroseconds: number
  /** Descriptors that are no client connections. */
  readonly reservedDescriptors: number
  /** Bytes of the input buffers of all threads; as many are for replies. */
  readonly bufferBytes: number
  /** How requests reach us: `epoll`, `node`. */
  readonly transport: string
  /** Undefined without TLS. */
  readonly tls: TlsStatistics | undefined
}

export interface TlsStatistics {
  /** Handshakes that resumed no earlier session; undefined if none can be resumed. */
  readonly newSessions: number | undefined
  readonly handshakeErrors: number
  /** Connections that broke down after the handshake. */
  readonly protocolErrors: number
  readonly secondsSinceRefresh: number
}

/** What `stats conns` says of a connection or a listener. */
export interface ConnectionDescription {
  readonly descriptor: number
  readonly udp: boolean
  /** Whose it is, or for a listener what it listens on: `tcp:127.0.0.1:52000`. */
  readonly address: string
  /** What it came in by; undefined for a listener. */
  readonly listenAddress: string | undefined
  /** memcached's name of it: `conn_read`. */
  readonly state: string
  /** Since it last did something. */
  readonly idleSeconds: number
}

/** The memcached whose behaviour is the target; clients and tools are told this one. */
export const MEMCACHED_VERSION = '1.6.45'

export const OK = line('OK')
export const ERROR = line('ERROR')
export const BAD_FORMAT = line('CLIENT_ERROR bad command line format')
export const TOO_LARGE_FOR_CACHE = line('SERVER_ERROR object too large for cache')
export const NO_MEMORY_STORING = line('SERVER_ERROR out of memory storing object')
export const NON_NUMERIC_VALUE = line(
  'CLIENT_ERROR cannot increment or decrement non-numeric value',
)
export const OUT_OF_MEMORY = line('SERVER_ERROR out of memory')

export class Context {
  readonly cache: Cache
  readonly host: Host
  reply = new Reply(permanentBlock(REPLY_BYTES))
  /** Where in the input the requests begin that are answered together with the one under way. */
  batchAt = 0
  readonly tokens: Tokens
  readonly store = new StoreRequest()
  readonly lookahead: Lookahead
  /** The keys under way of a retrieval. */
  readonly batch: KeyBatch
  readonly keySamples: KeySamples
  /** The request under way of a client that speaks the binary protocol. */
  readonly request: BinaryRequest
  /** The key of the command under way, as `takeKey` or `decodedKey` left it. */
  key: MemoryBlock
  keyAt = 0
  keyLength = 0
  hash = 0
  /** Answers that may wait to be sent to one connection. */
  readonly maxWaitingAnswers: number
  /** Room for a key decoded from base64. */
  readonly decodedKey = new MemoryBlock(new ArrayBuffer(MAX_KEY_BYTES + 6))

  constructor(cache: Cache, host: Host) {
    this.cache = cache
    this.host = host
    this.maxWaitingAnswers = host.maxWaitingAnswers
    this.lookahead = new Lookahead(cache)
    this.batch = new KeyBatch(cache)
    this.keySamples = new KeySamples(cache)
    this.tokens = new Tokens(this.decodedKey)
    this.request = new BinaryRequest(this.decodedKey)
    this.key = this.decodedKey
  }

  /** Other requests are answered together with the one whose line is in the tokens, before it. */
  get pipelined(): boolean {
    return this.tokens.start[0] > this.batchAt
  }

  /** Makes a range the key of the command under way; false if it is too long or empty. */
  takeKey(block: MemoryBlock, at: number, end: number): boolean {
    const length = end - at
    if (length > MAX_KEY_BYTES || length <= 0) return false
    this.key = block
    this.keyAt = at
    this.keyLength = length
    this.hash = this.lookahead.hashOf(block, at, end)
    this.keySamples.rate.left--
    return true
  }

  /** Makes a key of the batch, which lies in `block`, the key under way. */
  takeBatchKey(block: MemoryBlock, i: number): void {
    const { start, end, hash } = this.batch
    this.key = block
    this.keyAt = start[i]
    this.keyLength = end[i] - start[i]
    this.hash = hash[i]
  }

  /** The key under way may be the one that a sample is to be taken of. */
  sampleKey(): void {
    const { keySamples } = this
    if (keySamples.rate.left <= 0) {
      keySamples.take(this.key, this.keyAt, this.keyLength, this.hash)
    }
  }

  /** The key is about to be taken again, for the same request. */
  retakesKey(): void {
    this.keySamples.rate.left++
  }

  takeKeyToken(token: number): boolean {
    return this.takeKey(this.tokens.block, this.tokens.start[token], this.tokens.end[token])
  }

  /** The key of the command under way counts for its prefix, if somebody wants to know (`stats detail`). */
  countPrefixGet(hit: boolean): void {
    const { prefixes } = this.cache
    if (prefixes.enabled) prefixes.countGet(this.key, this.keyAt, this.keyLength, hit)
  }

  countPrefixSet(): void {
    const { prefixes } = this.cache
    if (prefixes.enabled) prefixes.countSet(this.key, this.keyAt, this.keyLength)
  }

  countPrefixDelete(): void {
    const { prefixes } = this.cache
    if (prefixes.enabled) prefixes.countDelete(this.key, this.keyAt, this.keyLength)
  }

  find(): ItemRef {
    return this.cache.find(this.key, this.keyAt, this.keyLength, this.hash)
  }

  /** Writes an item's value: a short one into the reply, a long one by reference to where it is. */
  writeValue(item: ItemRef): void {
    const items = this.cache.items
    const length = items.valueLength(item)
    const inline = length <= INLINE_VALUE_MAX_BYTES
    if (!inline) {
      this.cache.pin(item)
      if (items.sizeOf(item) > this.cache.telemetry.bigKeys.least) this.cache.noteBig(item)
    }
    if ((items.flags(item) & CHUNKED) === 0) {
      if (inline) this.reply.copy(items.block(item), items.valueAt(item), length)
      else this.reply.span(item, items.valueAt(item), length, item)
      return
    }
    for (let chunk = items.firstChunk(item); chunk !== 0; ) {
      const next = items.next(chunk)
      const at = items.offset(chunk) + CHUNK_HEADER_BYTES
      const used = items.chunkUsed(chunk)
      if (inline) this.reply.copy(items.block(chunk), at, used)
      else this.reply.span(chunk, at, used, next === 0 ? item : 0)
      chunk = next
    }
  }

  /** Whether `writeValue` can be called: a value being sent to very many clients has no pin left. */
  canWriteValue(item: ItemRef): boolean {
    const items = this.cache.items
    return items.valueLength(item) <= INLINE_VALUE_MAX_BYTES || this.cache.hasFreePin(item)
  }

  /** Writes a key the way its owner sent it: as it is, or in base64. */
  writeKey(
    block: MemoryBlock,
    at: number,
    length: number,
    binary: boolean,
    target: Reply = this.reply,
  ): void {
    if (binary) encodeBase64(block, at, length, target)
    else target.copy(block, at, length)
  }

  /**
   * Whether a key is shown in Base64: its owner sent it so, or by the binary protocol with bytes that would end its
   * word. memcached shows the latter as they are, and what follows in them is read as an answer, or as a command.
   */
  isBinaryKey(item: ItemRef): boolean {
    const { items } = this.cache
    if ((items.flags(item) & KEY_BINARY) !== 0) return true
    return !isWord(items.block(item).bytes, items.keyAt(item), items.keyLength(item))
  }
}
