// The memory file (`-e`): the arena in a mapped file that outlives the process, however it ends. What a process has
// stored into the mapping is in the file at once, for every other process on the machine; the disk comes later, so
// that it takes a graceful stop to outlive the machine. Knows files; what the bytes mean is the cache's.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { arenaBytes, FILE_HEADER_BYTES, type MappedMemory, PAGE_BYTES } from '../cache/arena.ts'
import { Cache } from '../cache/cache.ts'
import { allocateCacheMemory, type CacheMemory, type CacheOptions } from '../cache/cache-memory.ts'
import type { ClockReading } from '../cache/clock.ts'
import { blockAt } from '../cache/memory.ts'
import { DamagedArenaError, type Recovered, recover } from '../cache/recovery.ts'
import {
  EINVAL,
  ENOSPC,
  EOPNOTSUPP,
  LOCK_EX,
  LOCK_NB,
  LOCK_UN,
  type SystemCalls,
} from '../transport/system-calls.ts'
import type { Log } from './log.ts'
import {
  bootId,
  changedFlags,
  EMPTY,
  FAILED,
  IN_USE,
  LAYOUT_VERSION,
  type Layout,
  layoutOf,
  MemoryFileHeader,
  ON_DISK,
  STOPPED,
} from './memory-file-header.ts'

/** The memory file can't be used; the message says why and what to do. */
export class MemoryFileError extends Error {
  readonly code = 'ERR_MEMSHARD_MEMORY_FILE'
}

export interface MemoryFile {
  readonly memory: CacheMemory
  /** Over the memory, with the items of an earlier process if there were any. */
  readonly cache: Cache
  /** The clock of that process; undefined if the cache is empty. */
  readonly earlier: ClockReading | undefined
  /**
   * To be called when no thread works on the cache any more. `durable` waits until all is on disk, so that the items
   * outlive the machine too.
   */
  stop(durable: boolean): void
  /** The cache may have gone wrong: the next process starts empty. */
  discard(): void
}

interface OpenFile {
  readonly fd: number
  readonly path: string
  readonly size: number
  readonly layout: Layout
  readonly boot: string
}

const OWNER_ONLY = 0o600
const BLOCK_BYTES = 512

/**
 * `boot` is what tells one run of the machine from another.
 * @throws MemoryFileError
 */
export function openMemoryFile(
  path: string,
  options: CacheOptions,
  calls: SystemCalls,
  log: Log,
  boot = bootId(),
): MemoryFile {
  refuseMetadata(path)
  const fd = openOrCreate(path)
  try {
    if (calls.flock(fd, LOCK_EX | LOCK_NB) < 0) {
      throw new MemoryFileError(`the memory file ${path} is in use by another process`)
    }
    const size = arenaBytes(options.memoryLimitBytes)
    const file = { fd, path, size, layout: layoutOf(options), boot }
    const unusable = examine(file)
    const mapped = map(file, calls, log)
    return takeOver(file, mapped, unusable, options, calls, log)
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** memcached keeps a second file beside its own; who has one must mean that. */
function refuseMetadata(path: string): void {
  if (!existsSync(`${path}.meta`)) return
  throw new MemoryFileError(
    `${path}.meta is there, so ${path} must be memcached's: name another file, or remove both`,
  )
}

function openOrCreate(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, OWNER_ONLY)
  } catch (error) {
    throw new MemoryFileError(`can't open the memory file ${path}: ${reasonOf(error)}`)
  }
}

/** Why there is nothing in the file to go on with. `NEW`: nobody has lost anything by that. */
type Unusable = string | typeof NEW | undefined
const NEW = Symbol('new')

/** @throws MemoryFileError if it is anything else than a memory file: then it is left as it is. */
function examine({ fd, path, size, layout, boot }: OpenFile): Unusable {
  const found = fstatSync(fd)
  if (found.isFile() && found.size === 0) {
    // Known as ours before it is anything, whatever happens meanwhile.
    const bytes = new Uint8Array(FILE_HEADER_BYTES)
    new MemoryFileHeader(bytes).begin(layout)
    writeSync(fd, bytes, 0, bytes.length, 0)
    fsyncSync(fd)
    return NEW
  }
  const bytes = new Uint8Array(FILE_HEADER_BYTES)
  if (found.isFile()) readSync(fd, bytes, 0, bytes.length, 0)
  const header = new MemoryFileHeader(bytes)
  if (!header.known) {
    throw new MemoryFileError(
      `${path} is no memory file of memshard, and is left as it is: name another, or remove it`,
    )
  }
  if (header.version !== LAYOUT_VERSION) {
    return `its layout is version ${header.version}, and this server's ${LAYOUT_VERSION}`
  }
  const changed = changedFlags(header.layout, layout)
  if (changed.length > 0) return `it was made with other settings (${changed.join(', ')})`
  if (header.state === EMPTY) return NEW
  if (header.state === FAILED) return 'the server before has failed, and its items may be wrong'
  if (found.size !== size) return `it has ${found.size} bytes, and should have ${size}`
  if (header.state === ON_DISK) return undefined
  if (header.state !== IN_USE && header.state !== STOPPED) return 'its header is damaged'
  if (boot === '' || header.bootId !== boot) {
    return 'the machine was started anew before all of it was on disk (a stop by SIGUSR1 sees to that)'
  }
  return undefined
}

/** Maps the file in its size. All of its blocks are there then: a store into one that isn't could kill the process. */
function map({ fd, path, size }: OpenFile, calls: SystemCalls, log: Log): MappedMemory {
  const { size: before, blocks } = fstatSync(fd)
  ftruncateSync(fd, size)
  if (blocks * BLOCK_BYTES < size) {
    const failure = calls.posix_fallocate(fd, 0, size)
    if (failure === EOPNOTSUPP || failure === EINVAL) {
      log.warn(
        { file: path },
        'no blocks can be reserved there for the memory file: should the disk run full, the server is killed',
      )
    } else if (failure !== 0) {
      ftruncateSync(fd, before)
      const megabytes = Math.ceil(size / 2 ** 20)
      const reason = calls.describeError(failure)
      throw new MemoryFileError(
        failure === ENOSPC
          ? `there is no room for the memory file ${path}: it needs ${megabytes} MiB. Make room, or give -m less`
          : `can't reserve ${megabytes} MiB for the memory file ${path}: ${reason}`,
      )
    }
  }
  const address = calls.mapFile(fd, size)
  if (address === undefined) {
    const reason = calls.describeError(calls.errno())
    throw new MemoryFileError(`can't map the memory file ${path}: ${reason}`)
  }
  return { address, byteLength: size }
}

function takeOver(
  file: OpenFile,
  mapped: MappedMemory,
  unusable: Unusable,
  options: CacheOptions,
  calls: SystemCalls,
  log: Log,
): MemoryFile {
  const { fd, path, boot } = file
  const pageZero = blockAt(mapped.address, PAGE_BYTES)
  const header = new MemoryFileHeader(pageZero.bytes)
  const close = (): void => {
    // The mapping, which stays until the process ends, keeps the file open and with it the lock.
    calls.flock(fd, LOCK_UN)
    closeSync(fd)
  }
  const own = (): CacheMemory => allocateCacheMemory(options, options.memoryLimitBytes, mapped)
  const opened = (memory: CacheMemory, cache: Cache, earlier?: ClockReading): MemoryFile => ({
    memory,
    cache,
    earlier,
    stop: (durable) => {
      header.state = STOPPED
      if (durable) {
        fsyncSync(fd)
        header.state = ON_DISK
        fsyncSync(fd)
      }
      close()
    },
    // Other threads may still be at work, so it stays locked until the process ends.
    discard: () => {
      header.state = FAILED
    },
  })

  let reason = unusable
  if (reason === undefined) {
    const before = header.state
    header.bootId = boot
    header.state = IN_USE
    // Before anything else of it is written: on disk it must not look complete when it no longer is.
    if (before === ON_DISK) fsyncSync(fd)
    const resumed = resume(own(), options)
    if (typeof resumed === 'object') {
      const { memory, cache, clock, recovered, milliseconds } = resumed
      log.info(
        { file: path, ...recovered, milliseconds, killed: before === IN_USE },
        'the items of the memory file are there again',
      )
      return opened(memory, cache, clock)
    }
    reason = resumed
  }
  const complete = header.state === ON_DISK || header.version !== LAYOUT_VERSION
  header.begin(file.layout)
  // As above: who could have gone on with what is on the disk must find it empty there.
  if (complete) fsyncSync(fd)
  const memory = own()
  pageZero.bytes.fill(0, FILE_HEADER_BYTES)
  const cache = new Cache(memory, options)
  header.bootId = boot
  header.state = IN_USE
  if (typeof reason === 'string') {
    log.warn({ file: path, reason }, 'the memory file is emptied, and the cache starts cold')
  } else {
    log.info({ file: path }, 'starting with an empty memory file')
  }
  return opened(memory, cache)
}

interface Resumed {
  readonly memory: CacheMemory
  readonly cache: Cache
  readonly clock: ClockReading
  readonly recovered: Recovered
  readonly milliseconds: number
}

/** The cache of the process before; or why it can't be had. */
function resume(memory: CacheMemory, options: CacheOptions): Resumed | string | typeof NEW {
  const started = performance.now()
  const cache = new Cache(memory, options)
  const clock = cache.clock.read()
  // The process before has ended before it served anybody.
  if (clock === undefined) return NEW
  try {
    const recovered = recover(cache)
    const milliseconds = Math.round(performance.now() - started)
    return { memory, cache, clock, recovered, milliseconds }
  } catch (error) {
    if (error instanceof DamagedArenaError) return error.message
    throw error
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
