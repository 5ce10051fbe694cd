// The memory file (`-e`): the arena in a mapped file that outlives the process, and beside it, written by
// a graceful stop, `<file>.meta` with what is needed to go on from there. References within the arena are
// offsets, so nothing has to be rebuilt. Knows files; what the bytes mean is the cache's.
//
// A metadata file is one line of JSON, then the cache's contents table and the used parts of its hash
// table. It is removed when it is read: a process that dies leaves none, and the next one starts empty.
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { arenaBytes } from '../cache/arena.ts'
import type { Cache } from '../cache/cache.ts'
import { allocateCacheMemory, type CacheMemory, type CacheOptions } from '../cache/cache-memory.ts'
import type { ClockReading } from '../cache/clock.ts'
import { hashTableBytes, type TablePart } from '../cache/hash-table.ts'
import { mostItems } from '../cache/slabs.ts'
import { LOCK_EX, LOCK_NB, LOCK_UN, type SystemCalls } from '../transport/system-calls.ts'
import type { Log } from './log.ts'
import { SERVER_VERSION } from './version.ts'

/** The memory file can't be used; the message says why and what to do. */
export class MemoryFileError extends Error {
  readonly code = 'ERR_MEMSHARD_MEMORY_FILE'
}

export interface MemoryFile {
  readonly memory: CacheMemory
  /** The clock of the cache whose items are in the memory; undefined for an empty one. */
  readonly earlier: ClockReading | undefined
  /** Keeps the items for the next process; to be called when no thread works on the cache any more. */
  save(cache: Cache): void
  /** Gives the file up without keeping its items. */
  close(): void
}

interface Metadata {
  /** What must be the same for the bytes to mean the same. */
  readonly layout: string
  /** Also at the start of the arena: the two files belong together. */
  readonly stamp: string
  readonly clock: ClockReading
  readonly contentsBytes: number
  readonly tableParts: readonly TablePart[]
  readonly digest: string
}

const LINE_FEED = 10
/** Page 0 of the arena holds no items. */
const STAMP_BYTES = 36
const OWNER_ONLY = 0o600

/** @throws MemoryFileError */
export function openMemoryFile(
  path: string,
  options: CacheOptions,
  calls: SystemCalls,
  log: Log,
): MemoryFile {
  const fd = openOrCreate(path)
  try {
    return mapMemoryFile(fd, path, options, calls, log)
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function mapMemoryFile(
  fd: number,
  path: string,
  options: CacheOptions,
  calls: SystemCalls,
  log: Log,
): MemoryFile {
  if (calls.flock(fd, LOCK_EX | LOCK_NB) < 0) {
    throw new MemoryFileError(`the memory file ${path} is in use by another process`)
  }
  const metadataPath = `${path}.meta`
  const saved = takeMetadata(metadataPath)
  const size = arenaBytes(options.memoryLimitBytes)
  const layout = layoutOf(options)
  const unusable = saved === undefined ? 'no metadata file' : mismatch(saved, fd, size, layout)
  const resumed = unusable === undefined ? saved : undefined
  // Emptied first, so that what an earlier process left reads as never used.
  if (resumed === undefined) ftruncateSync(fd, 0)
  ftruncateSync(fd, size)
  const address = calls.mapFile(fd, size)
  if (address === undefined) {
    throw new MemoryFileError(
      `can't map the memory file ${path}: ${calls.describeError(calls.errno())}`,
    )
  }
  const memory = allocateCacheMemory(options, options.memoryLimitBytes, {
    address,
    byteLength: size,
  })
  if (resumed !== undefined) {
    new Uint8Array(memory.contents).set(resumed.contents)
    restoreTable(memory.table, resumed)
    log.info({ file: path }, 'the items of the memory file are there again')
  } else {
    log.info({ file: path, reason: unusable }, 'starting with an empty memory file')
  }
  const close = (): void => {
    // The mapping, which stays until the process ends, keeps the file open and with it the lock.
    calls.flock(fd, LOCK_UN)
    closeSync(fd)
  }
  return {
    memory,
    earlier: resumed?.metadata.clock,
    save: (cache) => {
      saveMetadata(metadataPath, cache, memory, layout)
      fsyncSync(fd)
      close()
    },
    close,
  }
}

function openOrCreate(path: string): number {
  try {
    // Opened for appending so that it is made if need be and kept if there.
    return openSync(path, 'a+', OWNER_ONLY)
  } catch (error) {
    throw new MemoryFileError(`can't open the memory file ${path}: ${reasonOf(error)}`)
  }
}

/** Everything that decides where the bytes of a cache lie. */
function layoutOf(options: CacheOptions): string {
  return JSON.stringify([
    SERVER_VERSION,
    options.memoryLimitBytes,
    options.growthFactor,
    options.minimumItemSpaceBytes,
    options.slabChunkMaxBytes,
    options.slabSizesBytes ?? null,
    options.maxItemSizeBytes,
    options.casEnabled,
    hashTableBytes(
      mostItems(arenaBytes(options.memoryLimitBytes), options),
      options.hashPowerInitial,
    ),
  ])
}

interface Saved {
  readonly metadata: Metadata
  readonly contents: Uint8Array
  readonly table: Uint8Array
}

/** Reads the metadata file and removes it; undefined if there is none. */
function takeMetadata(path: string): Saved | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new MemoryFileError(`can't read ${path}: ${reasonOf(error)}`)
  }
  const lineEnd = bytes.indexOf(LINE_FEED)
  const metadata = parseMetadata(bytes.subarray(0, Math.max(0, lineEnd)).toString('utf8'))
  const body = bytes.subarray(lineEnd + 1)
  if (metadata === undefined || digestOf([body]) !== metadata.digest) {
    throw new MemoryFileError(
      `${path} is damaged: remove it, and the server starts with an empty cache`,
    )
  }
  unlinkSync(path)
  return {
    metadata,
    contents: body.subarray(0, metadata.contentsBytes),
    table: body.subarray(metadata.contentsBytes),
  }
}

function parseMetadata(line: string): Metadata | undefined {
  try {
    const parsed = JSON.parse(line) as Metadata
    return typeof parsed.layout === 'string' ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Why what was saved can't be used by this process, if so. */
function mismatch(
  { metadata, contents, table }: Saved,
  fd: number,
  size: number,
  layout: string,
): string | undefined {
  if (metadata.layout !== layout) return 'it was made by another version or with other settings'
  const tableBytes = metadata.tableParts.reduce((sum, part) => sum + part.length, 0)
  if (contents.length !== metadata.contentsBytes || table.length !== tableBytes) {
    return 'its metadata is incomplete'
  }
  if (fstatSync(fd).size !== size) return 'its size has changed'
  return stampOf(fd) === metadata.stamp ? undefined : 'its metadata belongs to another one'
}

function restoreTable(buffer: SharedArrayBuffer, { metadata, table }: Saved): void {
  let from = 0
  for (const { at, length } of metadata.tableParts) {
    new Uint8Array(buffer, at, length).set(table.subarray(from, from + length))
    from += length
  }
}

function stampOf(fd: number): string {
  const stamp = Buffer.alloc(STAMP_BYTES)
  readSync(fd, stamp, 0, STAMP_BYTES, 0)
  return stamp.toString('latin1')
}

function saveMetadata(path: string, cache: Cache, memory: CacheMemory, layout: string): void {
  const contents = new Uint8Array(memory.contents)
  const tableParts = cache.table.usedParts
  const table = tableParts.map(({ at, length }) => new Uint8Array(memory.table, at, length))
  const stamp = randomUUID()
  cache.arena.blocks[0].bytes.set(Buffer.from(stamp, 'latin1'))
  const metadata: Metadata = {
    layout,
    stamp,
    clock: cache.clock.read(),
    contentsBytes: contents.length,
    tableParts,
    digest: digestOf([contents, ...table]),
  }
  // Complete or not there: a stop that is cut short must not leave half of one.
  const unfinished = `${path}.lck`
  const fd = openSync(unfinished, 'w', OWNER_ONLY)
  for (const part of [Buffer.from(`${JSON.stringify(metadata)}\n`), contents, ...table]) {
    for (let at = 0; at < part.length; ) at += writeSync(fd, part, at)
  }
  fsyncSync(fd)
  closeSync(fd)
  renameSync(unfinished, path)
}

function digestOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
