// Makes the callers of a load of what its plan says: of a tape where its requests can be made beforehand, else
// of operations that are drawn as they are asked for. Knows no sockets.

import type { Observer } from '../wire/observer.ts'
import { OperationCaller } from '../wire/operation-caller.ts'
import { firstRequestOf, TapeCaller } from '../wire/tape-caller.ts'
import { ValueLedger } from '../wire/value-ledger.ts'
import { DrawnOperations } from '../workload/drawn-operations.ts'
import { SyntheticKeys } from '../workload/key-space.ts'
import type { KeySpace, OperationSource } from '../workload/operation.ts'
import type { Tally } from '../workload/tally.ts'
import { recordTape, type Tape } from '../workload/tape.ts'
import { isRepeatable } from '../workload/workload.ts'
import type { Caller } from './conversation.ts'
import { Homes } from './homes.ts'
import type { LoadPlan } from './load-plan.ts'
import type { Timetable } from './schedule.ts'

/** What is asked in place of what the plan's workload says, which only the thread that makes it can be told. */
export type Asked =
  | { readonly kind: 'tape'; readonly tape: Tape }
  | {
      readonly kind: 'operations'
      readonly source: OperationSource
      readonly keySpace: KeySpace
      readonly observer?: Observer
      /** Whether a source that has nothing will have nothing later either; undefined: it will not. */
      readonly isEnded?: () => boolean
      /** When each is due, in place of the plan's pace. */
      readonly timetable?: Timetable
    }

/** Different threads draw different operations. */
const SEED = 0x6c6f6164

export function makeCallers(plan: LoadPlan, tally: Tally, asked?: Asked): Caller[] {
  const { workload, servers, thread } = plan
  if (asked?.kind === 'operations') {
    return operationCallers(plan, asked, tally, asked.observer)
  }
  if (asked || (servers.length === 1 && isRepeatable(workload))) {
    return tapeCallers(asked?.tape ?? recordTape(workload), plan, tally)
  }
  // All callers draw from one source, so that what is asked does not depend on who comes first.
  const source = new DrawnOperations(workload, { seed: SEED + thread })
  return operationCallers(plan, { source, keySpace: keysOf(plan) }, tally)
}

export function keysOf({ workload }: Pick<LoadPlan, 'workload'>): KeySpace {
  return new SyntheticKeys(workload.keys, workload.keyBytes)
}

export function tapeCallers(
  tape: Tape,
  plan: Pick<LoadPlan, 'connections' | 'mayMiss' | 'thread' | 'threads'>,
  tally: Tally,
): Caller[] {
  const { connections, mayMiss, thread, threads } = plan
  return Array.from({ length: connections }, (_, index) => {
    const firstRequest = firstRequestOf(tape, index * threads + thread, connections * threads)
    return new TapeCaller({ tape, tally, mayMiss, firstRequest })
  })
}

export function operationCallers(
  plan: Omit<LoadPlan, 'driver' | 'tls' | 'pace'>,
  { source, keySpace }: { readonly source: OperationSource; readonly keySpace: KeySpace },
  tally: Tally,
  observer?: Observer,
): Caller[] {
  const { workload, servers, connections, mayMiss, thread, threads, ledger } = plan
  const homes = servers.length > 1 ? new Homes(servers, keySpace) : undefined
  const options = {
    protocol: workload.protocol,
    source,
    keySpace,
    keysPerGet: workload.keysPerGet,
    fillMisses: workload.fillMisses,
    servers: servers.length,
    serverOf: homes ? (key: number): number => homes.of(key) : (): number => 0,
    tally,
    mayMiss,
    ledger: ledger && new ValueLedger(ledger, { thread, threads }),
    observer,
  }
  return Array.from({ length: connections }, () => new OperationCaller(options))
}
