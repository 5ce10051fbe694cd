// What `-o read_buf_mem_limit` leaves to each thread. memcached takes read buffers and answers that wait to be
// sent from it, both in blocks of 16 KiB; whoever gives the limit has measured it by that.
import type { Settings } from './settings.ts'

type Limits = Pick<Settings, 'readBufferLimitBytes' | 'threads'>

const BLOCK_BYTES = 16 * 1024
/** memcached's answers in one block. */
const ANSWERS_PER_BLOCK = 13

/** Bytes for one thread's connections, at least one block; Infinity without a limit. */
export function bufferLimit({ readBufferLimitBytes, threads }: Limits): number {
  if (readBufferLimitBytes === 0) return Number.POSITIVE_INFINITY
  return Math.max(1, Math.floor(readBufferLimitBytes / threads / BLOCK_BYTES)) * BLOCK_BYTES
}

/** Answers that may wait to be sent to one connection, beside the block that its requests lie in. */
export function maxWaitingAnswers(limits: Limits): number {
  const blocks = bufferLimit(limits) / BLOCK_BYTES
  return Math.max(1, (blocks - 1) * ANSWERS_PER_BLOCK)
}
