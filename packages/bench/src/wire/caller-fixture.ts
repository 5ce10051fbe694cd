// What tests of callers have in common: operations from a list, keys with a plain text, and a batch played against
// servers whose answers come in pieces.
import type { Caller } from '../load/conversation.ts'
import {
  type KeySpace,
  OPERATIONS,
  type Operation,
  type OperationName,
  type OperationSource,
} from '../workload/operation.ts'
import { Tally } from '../workload/tally.ts'
import { OperationCaller, type OperationCallerOptions } from './operation-caller.ts'
import type { ServerFixture } from './server-fixture.ts'

/** `key:0` and so on. */
export function plainKeys(keys: number): KeySpace {
  const prefix = 'key:'
  return {
    keys,
    longest: prefix.length + String(keys - 1).length,
    write(key, to, at) {
      return at + Buffer.from(to.buffer, to.byteOffset).write(`${prefix}${key}`, at, 'latin1')
    },
  }
}

export type OperationRow = readonly [
  name: OperationName,
  key: number,
  valueBytes?: number,
  ttl?: number,
]

export function listSource(rows: readonly OperationRow[]): OperationSource {
  let next = 0
  return {
    next(operation: Operation): boolean {
      const row = rows[next++]
      if (row === undefined) return false
      const [name, key, valueBytes = 3, ttl = 0] = row
      Object.assign(operation, { kind: OPERATIONS.indexOf(name), key, valueBytes, ttl })
      return true
    },
  }
}

export interface Made {
  readonly caller: OperationCaller
  readonly tally: Tally
}

/** A caller of ten keys on one server, unless the options say otherwise. */
export function makeCaller(
  rows: readonly OperationRow[],
  options: Partial<OperationCallerOptions> = {},
): Made {
  const tally = options.tally ?? new Tally()
  const caller = new OperationCaller({
    protocol: 'classic',
    source: listSource(rows),
    keySpace: plainKeys(10),
    keysPerGet: 1,
    fillMisses: false,
    servers: 1,
    serverOf: (key) => key % (options.servers ?? 1),
    mayMiss: true,
    ...options,
    tally,
  })
  return { caller, tally }
}

/** What the conversation has to send, as if it had been sent. */
export function takeRequests(caller: Caller, server = 0): Buffer {
  const conversation = caller.conversations[server]!
  const { output, unsentFrom, unsentTo } = conversation
  conversation.unsentFrom = unsentTo
  return Buffer.from(output.subarray(unsentFrom, unsentTo))
}

/**
 * Feeds the answers in pieces of these sizes, one after the other and again. Behind each piece are bytes that have
 * not come, as in the memory of a driver. Returns what they completed.
 */
export function giveAnswers(
  caller: Caller,
  answers: Uint8Array | string,
  sizes: readonly number[] = [1_000_000],
  server = 0,
): number {
  const conversation = caller.conversations[server]!
  const bytes = typeof answers === 'string' ? Buffer.from(answers, 'latin1') : answers
  let completed = 0
  for (let at = 0, turn = 0; at < bytes.length && conversation.broken === undefined; turn++) {
    const length = Math.min(sizes[turn % sizes.length]!, bytes.length - at)
    completed += conversation.read(bytes.subarray(at), length)
    at += length
  }
  return completed
}

/** One batch, answered by the servers; returns how many requests it had, all of which must have been answered. */
export function playBatch(
  caller: Caller,
  servers: readonly ServerFixture[],
  count: number,
  sizes?: readonly number[],
): number {
  const made = caller.begin(count)
  let completed = 0
  for (const [index, server] of servers.entries()) {
    completed += giveAnswers(caller, server.answer(takeRequests(caller, index)), sizes, index)
  }
  if (completed !== made) throw new Error(`${made} requests were made and ${completed} answered`)
  return made
}

/** Until the source has ended and nothing is left to do. */
export function playAll(
  caller: Caller,
  servers: readonly ServerFixture[],
  count: number,
  sizes?: readonly number[],
): number {
  let requests = 0
  for (;;) {
    const made = playBatch(caller, servers, count, sizes)
    if (made === 0) return requests
    requests += made
  }
}
