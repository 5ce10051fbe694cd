// The start of a memory file: by which it is known as one, and what must be known before its items can be. Knows
// bytes; what follows from them is the memory file's.
//
//   bytes 0-15   magic                        bytes 24-59  boot id of the machine, zeros if it has none
//   word  4      version of the layout        word  16     length of the settings' text
//   word  5      state                        from byte 68 settings that decide the layout, as JSON
import { readFileSync } from 'node:fs'
import { FILE_HEADER_BYTES } from '../cache/arena.ts'
import type { CacheOptions } from '../cache/cache-memory.ts'

/**
 * To be raised with every change of what the bytes in an arena mean: of item headers, of classes, of what is laid out
 * in page 0 (`Cache`'s constructor). Files of other versions are emptied. `memory-file-layout.test.ts` tells of changes.
 */
export const LAYOUT_VERSION = 1

// States.
/** There is nothing in it. */
export const EMPTY = 0
/** A process works on it, or was killed while it did. */
export const IN_USE = 1
/** Its process has stopped. */
export const STOPPED = 2
/** And has waited until all was on disk. */
export const ON_DISK = 3
/** A thread of its process has failed, and what it was changing may be wrong. */
export const FAILED = 4

const MAGIC = Buffer.from('memshard items\n\0', 'latin1')
const VERSION_AT = 16
const STATE_AT = 20
const BOOT_AT = 24
const BOOT_BYTES = 36
const LENGTH_AT = 64
const TEXT_AT = 68

export class MemoryFileHeader {
  readonly #bytes: Buffer

  /** Over the first bytes of a file, read or mapped. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, FILE_HEADER_BYTES)
  }

  /** Whether it is a memory file's at all. */
  get known(): boolean {
    return this.#bytes.subarray(0, MAGIC.length).equals(MAGIC)
  }

  get version(): number {
    return this.#bytes.readInt32LE(VERSION_AT)
  }

  get state(): number {
    return this.#bytes.readInt32LE(STATE_AT)
  }

  set state(state: number) {
    this.#bytes.writeInt32LE(state, STATE_AT)
  }

  get bootId(): string {
    return this.#bytes.toString('latin1', BOOT_AT, BOOT_AT + BOOT_BYTES).replaceAll('\0', '')
  }

  set bootId(bootId: string) {
    this.#bytes.fill(0, BOOT_AT, BOOT_AT + BOOT_BYTES)
    this.#bytes.write(bootId, BOOT_AT, BOOT_BYTES, 'latin1')
  }

  /** Makes it the header of an empty file of this version and these settings. */
  begin(layout: Layout): void {
    this.state = EMPTY
    const text = Buffer.from(JSON.stringify(layout))
    MAGIC.copy(this.#bytes)
    this.#bytes.writeInt32LE(LAYOUT_VERSION, VERSION_AT)
    this.#bytes.writeInt32LE(text.length, LENGTH_AT)
    text.copy(this.#bytes, TEXT_AT)
  }

  /** The settings it was made with; undefined if they can't be read. */
  get layout(): unknown {
    const length = this.#bytes.readInt32LE(LENGTH_AT)
    try {
      return JSON.parse(this.#bytes.toString('utf8', TEXT_AT, TEXT_AT + length))
    } catch {
      return undefined
    }
  }
}

/** The settings that decide where the bytes of a cache lie, by the flags that set them. */
export type Layout = Readonly<Record<string, unknown>>

export function layoutOf(options: CacheOptions): Layout {
  return {
    '-m': options.memoryLimitBytes,
    '-f': options.growthFactor,
    '-n': options.minimumItemSpaceBytes,
    '-I': options.maxItemSizeBytes,
    '-C': options.casEnabled,
    '-o slab_chunk_max': options.slabChunkMaxBytes,
    '-o slab_sizes': options.slabSizesBytes ?? null,
    // Items under a limit are made with room for links, whatever the limit. Without one it says nothing, as earlier files.
    '-o prefix_limit':
      options.prefixLimits.length === 0
        ? undefined
        : options.prefixLimits.map(({ prefix }) => prefix).sort(),
  }
}

/** The flags in which two layouts differ. */
export function changedFlags(before: unknown, now: Layout): readonly string[] {
  const earlier = (typeof before === 'object' && before !== null ? before : {}) as Layout
  return Object.keys(now).filter(
    (flag) => JSON.stringify(earlier[flag]) !== JSON.stringify(now[flag]),
  )
}

/** By which a machine's runs differ; empty where that can't be told. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return ''
  }
}
