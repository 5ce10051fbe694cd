// Stores the keys of a workload over one caller, so that a get has something to hit.
// Knows nothing of what is measured afterwards.
import { BenchError } from './errors.ts'
import type { ServerAddress } from './load/address.ts'
import { keysOf, operationCallers, tapeCallers } from './load/callers.ts'
import type { Caller } from './load/conversation.ts'
import { type DriverChoice, openDriver } from './load/driver.ts'
import { LoadLoop } from './load/load-loop.ts'
import type { LoadPlan } from './load/load-plan.ts'
import { LatenciesByKind } from './measure/latency.ts'
import { type Operation, type OperationSource, SET } from './workload/operation.ts'
import { sizeOfKey } from './workload/sizes.ts'
import { Tally } from './workload/tally.ts'
import { FILL_DEPTH, recordFill } from './workload/tape.ts'
import { isRepeatable, type Workload } from './workload/workload.ts'

export interface TapeFillOptions {
  readonly address: ServerAddress
  readonly workload: Workload
  readonly driver: DriverChoice
  /** Keys below this one are stored already. */
  readonly firstKey?: number
  readonly tally?: Tally
  readonly latency?: LatenciesByKind
  /** Asked after about every 16 MB; true ends the fill. */
  readonly enough?: () => Promise<boolean>
}

/** For one tape of the fill, which is about 16 MB, or so many sets of any other. */
const FILL_DEADLINE_MS = 60_000
const SETS_PER_DEADLINE = 1_000_000
/** So that how long a key lives has nothing to do with the size of its value. */
const TTL_SALT = 1

/** Stores every key of the plan's workload once, and tells how many. Throws a {@link BenchError} when the server refuses one. */
export async function fillFor(plan: LoadPlan, signal: AbortSignal): Promise<number> {
  const { servers, workload, driver, tls } = plan
  const tally = new Tally()
  const [address] = servers
  if (address && servers.length === 1 && !tls && isRepeatable(workload)) {
    await fill({ address, workload, driver, tally }, signal)
    return tally.sets
  }
  const one = { ...plan, connections: 1, mayMiss: true, thread: 0, threads: 1 }
  const asked = { source: new FillOperations(workload), keySpace: keysOf(plan) }
  const callers = operationCallers(one, asked, tally)
  for (let from = 0; from < workload.keys && !signal.aborted; from += SETS_PER_DEADLINE) {
    const requests = Math.min(SETS_PER_DEADLINE, workload.keys - from)
    await store(plan, callers, { requests, tally, latency: new LatenciesByKind() }, signal)
  }
  return tally.sets
}

/** The same for what can be made beforehand, with more to say of how. */
export async function fill(options: TapeFillOptions, signal: AbortSignal): Promise<void> {
  const { address, workload, firstKey, enough } = options
  const { tally = new Tally(), latency = new LatenciesByKind() } = options
  const plan = { workload, servers: [address], driver: options.driver, tls: undefined }
  for (const tape of recordFill(workload, firstKey)) {
    const one = { connections: 1, mayMiss: false, thread: 0, threads: 1 }
    const callers = tapeCallers(tape, one, tally)
    await store(plan, callers, { requests: tape.length, tally, latency }, signal)
    if (signal.aborted || (await enough?.())) return
  }
}

interface Part {
  readonly requests: number
  readonly tally: Tally
  readonly latency: LatenciesByKind
}

async function store(
  plan: Pick<LoadPlan, 'servers' | 'driver' | 'tls' | 'workload'>,
  callers: readonly Caller[],
  { requests, tally, latency }: Part,
  signal: AbortSignal,
): Promise<void> {
  const loop = new LoadLoop({ callers, depth: FILL_DEPTH, tally, latency, requests })
  const { servers, driver: choice, tls } = plan
  using driver = await openDriver({ choice, servers, tls, spin: false }, loop)
  await driver.run(FILL_DEADLINE_MS, signal)
  if (signal.aborted) return
  if (tally.errors > 0 || !loop.finished) {
    const reason = [...tally.complaints].join('; ') || 'it stopped answering'
    throw new BenchError(
      'CANNOT_FILL',
      `the server stored ${tally.sets} of ${plan.workload.keys} keys: ${reason}`,
    )
  }
}

/** A set of each key, in their order. */
class FillOperations implements OperationSource {
  readonly #keys: number
  readonly #valueBytes: (key: number) => number
  readonly #ttl: (key: number) => number
  #next = 0

  constructor({ keys, valueBytes, ttl }: Workload) {
    this.#keys = keys
    this.#valueBytes = sizeOfKey(valueBytes)
    this.#ttl = sizeOfKey(ttl, TTL_SALT)
  }

  next(operation: Operation): boolean {
    if (this.#next === this.#keys) return false
    const key = this.#next++
    operation.kind = SET
    operation.key = key
    operation.valueBytes = this.#valueBytes(key)
    operation.ttl = this.#ttl(key)
    return true
  }
}
