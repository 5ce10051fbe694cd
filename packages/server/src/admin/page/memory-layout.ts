// Where everything lies in the picture of the memory: a column for each slab class, as wide as it has pages, filled
// from below with what items asked for, what their chunks have too much, and free chunks. Shares only; knows no pixel.
import type { Memory, SlabClass } from '../page-data.ts'

export interface ClassColumn {
  readonly slab: SlabClass
  /** From the left, and how wide, of the whole picture (0 to 1). */
  readonly x: number
  readonly width: number
  /** Of the column's height; the three are 1 together. */
  readonly requested: number
  readonly lost: number
  readonly free: number
}

export interface MemoryLayout {
  readonly columns: readonly ClassColumn[]
  /** Pages that belong to no class. */
  readonly pool: { readonly x: number; readonly width: number }
  /** What was never taken from the system. */
  readonly unused: { readonly x: number; readonly width: number }
  readonly totalBytes: number
  readonly requestedBytes: number
  readonly lostBytes: number
  readonly freeBytes: number
  readonly poolBytes: number
  readonly unusedBytes: number
}

export function layOut({ limitBytes, pageBytes, poolPages, classes }: Memory): MemoryLayout {
  const pages = classes.reduce((sum, slab) => sum + slab.pages, 0)
  const takenBytes = (pages + poolPages) * pageBytes
  const totalBytes = Math.max(limitBytes, takenBytes, pageBytes)
  let x = 0
  const take = (bytes: number): { readonly x: number; readonly width: number } => {
    const place = { x, width: bytes / totalBytes }
    x += place.width
    return place
  }
  const columns = classes
    .filter((slab) => slab.pages > 0)
    .map((slab) => ({ slab, ...take(slab.pages * pageBytes), ...fillOf(slab) }))
  const pool = take(poolPages * pageBytes)
  const unusedBytes = totalBytes - takenBytes
  const sum = (part: 'requested' | 'lost' | 'free'): number =>
    columns.reduce((bytes, column) => bytes + column.slab.pages * pageBytes * column[part], 0)
  return {
    columns,
    pool,
    unused: take(unusedBytes),
    totalBytes,
    requestedBytes: sum('requested'),
    lostBytes: sum('lost'),
    freeBytes: sum('free'),
    poolBytes: poolPages * pageBytes,
    unusedBytes,
  }
}

/** Sizes are as memcached counts them, so that a class can hold a little more than its pages seem to. */
export function fillOf({
  chunkBytes,
  usedChunks,
  freeChunks,
  requestedBytes,
}: SlabClass): Pick<ClassColumn, 'requested' | 'lost' | 'free'> {
  const chunks = usedChunks + freeChunks
  if (chunks === 0 || chunkBytes === 0) return { requested: 0, lost: 0, free: 1 }
  const free = freeChunks / chunks
  const requested = Math.min(1 - free, requestedBytes / (chunks * chunkBytes))
  return { requested, lost: Math.max(0, 1 - free - requested), free }
}
