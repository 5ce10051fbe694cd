// The snapshot of a server (`--snapshot`): read when it starts, written when it stops. A snapshot is read once and
// then removed: what it says is true until somebody is served, and a server that is killed later must not leave it to
// the next one. Knows files and the log; what is in one is the reader's and the writer's.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import type { Log } from './log.ts'
import { isSnapshot } from './snapshot-format.ts'
import { readSnapshot } from './snapshot-reader.ts'
import { writeSnapshot } from './snapshot-writer.ts'
import { StartError } from './start-error.ts'

const MAGIC_AND_MORE_BYTES = 40

/** Where a snapshot is until it is complete. What is whole of it can be read all the same. */
function unfinished(path: string): string {
  return `${path}.part`
}

/**
 * Reads the snapshot that an earlier process has left into the cache, if that is empty, whose clock goes; and removes it.
 * @throws StartError for a file that is something else: it would be overwritten in the end.
 */
export function takeSnapshot(cache: Cache, path: string, log: Log): void {
  // The unfinished one, if there is one, is of a later stop.
  for (const file of [unfinished(path), path]) {
    if (!existsSync(file)) continue
    const fd = openAsSnapshot(file)
    try {
      if (cache.table.count === 0) read(cache, fd, file, log)
      else log.info({ file }, 'the memory file is newer than the snapshot, which is left out')
    } finally {
      closeSync(fd)
    }
    remove(file)
  }
}

function openAsSnapshot(file: string): number {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    throw new StartError(`can't open the snapshot ${file}: ${reasonOf(error)}`)
  }
  const start = Buffer.alloc(MAGIC_AND_MORE_BYTES)
  const length = isRegular(fd, start)
  // A process that was killed when it had just begun has left nothing.
  if (length === 0 || isSnapshot(start)) {
    closeSync(fd)
    return openSync(file, 'r')
  }
  closeSync(fd)
  throw new StartError(
    `${file} is no snapshot of memshard, and is left as it is: name another file, or remove it`,
  )
}

function isRegular(fd: number, start: Buffer): number {
  try {
    return readSync(fd, start)
  } catch {
    // A directory.
    return -1
  }
}

function read(cache: Cache, fd: number, file: string, log: Log): void {
  const started = performance.now()
  const result = readSnapshot(cache, fd)
  const milliseconds = Math.round(performance.now() - started)
  if (result === undefined) {
    log.warn({ file }, 'the snapshot is empty or of another version, and is left out')
    return
  }
  const isWhole = result.damagedBlocks === 0 && !result.cut
  const fields = { file, ...result, milliseconds }
  if (isWhole) log.info(fields, 'the items of the snapshot are there again')
  else log.warn(fields, 'the snapshot is damaged: what is whole of it is there again')
}

function remove(file: string): void {
  try {
    unlinkSync(file)
  } catch (error) {
    throw new StartError(
      `can't remove the snapshot ${file}, which would be out of date: ${reasonOf(error)}`,
    )
  }
}

/** @throws StartError if no snapshot could be written in the end, which nobody would see then. */
export function checkPlaceForSnapshot(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new StartError(`can't write a snapshot to ${path}: ${reasonOf(error)}`)
  }
}

/** Writes what a cache holds on which nobody works any more, as much as there is time for. */
export function leaveSnapshot(cache: Cache, path: string, seconds: number, log: Log): void {
  const started = performance.now()
  const passed = (): number => performance.now() - started
  try {
    const written = writeSnapshot(cache, unfinished(path), () => passed() >= seconds * 1000)
    renameSync(unfinished(path), path)
    const fields = { file: path, ...written, milliseconds: Math.round(passed()) }
    if (written.cut)
      log.warn(fields, 'the snapshot has the hottest items: there was no time for all')
    else log.info(fields, 'the snapshot has all items')
  } catch (error) {
    log.error({ err: error, file: path }, 'no snapshot could be written')
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
