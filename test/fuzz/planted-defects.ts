// Defects of the kinds that a fuzzer is for, to be put into the copies that it runs: that it finds them says what it is
// worth. Knows how the compiled modules are worded.

export interface PlantedDefect {
  readonly name: string
  /** Who finds it. */
  readonly target: string
  /** Package, and path of the compiled module in it. */
  readonly module: string
  /** What is there once. */
  readonly right: string
  readonly wrong: string
  /** It is found in no time, so that every run of the tests can see it. */
  readonly soon?: true
}

export const PLANTED_DEFECTS: readonly PlantedDefect[] = [
  {
    name: 'a value is copied with one byte too many',
    target: 'classic',
    module: 'server/cache/cache.js',
    right: 'items.valueAt(item) + filled, length);',
    wrong: 'items.valueAt(item) + filled, length + 1);',
    soon: true,
  },
  {
    name: 'what a chunk of a large value can hold counts its header',
    target: 'classic',
    module: 'server/cache/cache.js',
    right: 'slabs.chunkSizes[slabClass] - CHUNK_HEADER_BYTES',
    wrong: 'slabs.chunkSizes[slabClass]',
  },
  {
    name: 'a large item is written to after it was freed',
    target: 'binary',
    module: 'server/cache/cache.js',
    right: 'this.slabs.free(item, headerClass);',
    wrong: 'this.slabs.free(item, headerClass); items.setAccessed(item, 1);',
    soon: true,
  },
  {
    name: 'an item is freed that is in the cache: an append makes a key (ms with MA and N)',
    target: 'meta',
    module: 'server/cache/store.js',
    right: 'if (request.stored !== item)',
    wrong: 'if (request.stored !== item || request.vivify)',
  },
  {
    name: 'one byte less is copied when a value is appended to: what lay there before is told',
    target: 'classic',
    module: 'server/cache/cache.js',
    right: 'const length = items.valueLength(source);',
    wrong: 'const length = items.valueLength(source) - 1;',
  },
  {
    name: 'keys of any length',
    target: 'meta',
    module: 'server/protocol/context.js',
    right: 'if (length > MAX_KEY_BYTES || length <= 0)',
    wrong: 'if (length <= 0)',
  },
  {
    name: 'a packet is read of whose key a part has not come',
    target: 'binary',
    module: 'server/protocol/binary-commands.js',
    right: 'if (keyEnd > end || connection.closing)',
    wrong: 'if (connection.closing)',
  },
  {
    name: 'a refused value is dropped, all but what came in further pieces',
    target: 'classic',
    module: 'server/protocol/engine.js',
    right: 'connection.swallow -= part;',
    wrong: 'connection.swallow -= Math.min(part, 512);',
    soon: true,
  },
  {
    name: 'the answer to a datagram of exactly one or more full ones has one too many',
    target: 'datagrams',
    module: 'server/transport/datagram-exchange.js',
    right: 'Math.ceil(this.#messageBytes / DATAGRAM_PAYLOAD_BYTES)',
    wrong: 'Math.trunc(this.#messageBytes / DATAGRAM_PAYLOAD_BYTES) + 1',
  },
  {
    name: 'memory of a value that begins with x is not given back',
    target: 'proxy',
    module: 'client/proxy/request-parser.js',
    right: 'this.#limits.memory.release(value.length);',
    wrong: 'if (value[0] !== 0x78) this.#limits.memory.release(value.length);',
    soon: true,
  },
  {
    name: 'a key is read of which a part has not come',
    target: 'binary-proxy',
    module: 'client/proxy/binary-request-parser.js',
    right: 'if (keyEnd > input.length || this.broken)',
    wrong: 'if (this.broken)',
  },
  {
    name: 'the end of a line that came in pieces is added to the next one',
    target: 'answers',
    module: 'client/wire/answer-parser.js',
    right: 'this.#lineBytes = 0;',
    wrong: '',
  },
  {
    name: 'a packet of exactly a header is waited for',
    target: 'binary-answers',
    module: 'client/wire/binary-answer-parser.js',
    right: 'if (packet.length === HEADER_BYTES)',
    wrong: 'if (packet.length < HEADER_BYTES)',
  },
]
