// A route to several pools that each have everything: written to all of them, read from the first that has it. Knows which
// outcome of several is the one to tell; the pools know nothing of each other.
import type { Call, CallReceiver } from '../node/call.ts'
import { Status } from '../wire/answer.ts'
import type { RelayedAnswer } from '../wire/relayed-answer.ts'
import { NOT_CARRIED_OUT } from '../wire/relayed-operations.ts'
import { repairOf, spreadingOf } from './copies.ts'
import type { Route } from './route.ts'
import type { Upstream } from './upstream.ts'

export class ReplicatedRoute implements Route {
  readonly upstreams: readonly Upstream[]

  constructor(upstreams: readonly Upstream[]) {
    this.upstreams = upstreams
  }

  ask(call: Call, receiver: CallReceiver): void {
    const { upstreams } = this
    switch (spreadingOf(call)) {
      case 'read':
        new OneAfterTheOther(call, upstreams, receiver, isHit).begin()
        return
      case 'once':
        new OneAfterTheOther(
          call,
          upstreams,
          new RepairingReceiver(call, upstreams, receiver),
          isOutcome,
        ).begin()
        return
      case 'alike':
        new AllAtOnce(call, upstreams, receiver).begin()
    }
  }
}

/** Asks pool after pool until one gives an answer that will do; if none does, the first that gave any. */
class OneAfterTheOther implements CallReceiver {
  readonly #call: Call
  readonly #upstreams: readonly Upstream[]
  readonly #receiver: CallReceiver
  readonly #willDo: (result: unknown) => boolean
  #asked = 0
  #missed = false
  #failure: Outcome | undefined

  constructor(
    call: Call,
    upstreams: readonly Upstream[],
    receiver: CallReceiver,
    willDo: (result: unknown) => boolean,
  ) {
    this.#call = call
    this.#upstreams = upstreams
    this.#receiver = receiver
    this.#willDo = willDo
  }

  begin(): void {
    send(this.#call.copy(), this.#upstreams[this.#asked++]!, this)
  }

  resolved(label: unknown, result: unknown): void {
    if (this.#willDo(result)) this.#receiver.resolved(label, result)
    else {
      if (isFailure(result)) this.#failure ??= kept({ label, result })
      else this.#missed = true
      this.#goOn()
    }
  }

  rejected(label: unknown, error: unknown): void {
    this.#failure ??= { label, error }
    this.#goOn()
  }

  #goOn(): void {
    if (this.#asked < this.#upstreams.length) this.begin()
    else if (this.#missed || this.#failure === undefined) this.#receiver.resolved('', undefined)
    else tell(this.#receiver, this.#failure)
  }
}

/** Asks all pools alike, waits for all of them, and tells the best outcome: of equal ones that of the first pool. */
class AllAtOnce implements CallReceiver {
  readonly #call: Call
  readonly #upstreams: readonly Upstream[]
  readonly #receiver: CallReceiver
  readonly #outcomes: (Outcome | undefined)[]
  #ended = 0

  constructor(call: Call, upstreams: readonly Upstream[], receiver: CallReceiver) {
    this.#call = call
    this.#upstreams = upstreams
    this.#receiver = receiver
    this.#outcomes = upstreams.map(() => undefined)
  }

  begin(): void {
    // All are made before the first is sent: one may be settled at once.
    const calls = this.#upstreams.map(() => this.#call.copy())
    calls.forEach((call, i) => {
      send(call, this.#upstreams[i]!, this)
    })
  }

  resolved(label: unknown, result: unknown): void {
    this.#end(kept({ label, result }))
  }

  rejected(label: unknown, error: unknown): void {
    this.#end({ label, error })
  }

  #end(outcome: Outcome): void {
    this.#outcomes[this.#upstreams.indexOf(outcome.label as Upstream)] = outcome
    if (++this.#ended < this.#upstreams.length) return
    let best = this.#outcomes[0]!
    for (const other of this.#outcomes) if (rankOf(other!) > rankOf(best)) best = other!
    tell(this.#receiver, best)
  }
}

/** Makes the copies right after one pool has carried out what can be carried out only once, and tells of it then. */
class RepairingReceiver implements CallReceiver {
  readonly #call: Call
  readonly #upstreams: readonly Upstream[]
  readonly #receiver: CallReceiver
  #outcome: Outcome | undefined
  #awaited = 0

  constructor(call: Call, upstreams: readonly Upstream[], receiver: CallReceiver) {
    this.#call = call
    this.#upstreams = upstreams
    this.#receiver = receiver
  }

  resolved(label: unknown, result: unknown): void {
    if (this.#outcome !== undefined) {
      this.#repaired()
      return
    }
    const repair = isDone(result) ? repairOf(this.#call) : undefined
    if (repair === undefined) {
      this.#receiver.resolved(label, result)
      return
    }
    this.#outcome = kept({ label, result })
    const others = this.#upstreams.filter((upstream) => upstream !== label)
    this.#awaited = others.length
    for (const call of others.map(() => repair.copy())) {
      send(call, others.shift()!, this)
    }
  }

  rejected(label: unknown, error: unknown): void {
    if (this.#outcome !== undefined) this.#repaired()
    else this.#receiver.rejected(label, error)
  }

  #repaired(): void {
    if (--this.#awaited === 0) tell(this.#receiver, this.#outcome!)
  }
}

interface Outcome {
  readonly label: unknown
  readonly result?: unknown
  readonly error?: unknown
}

function send(call: Call, upstream: Upstream, receiver: CallReceiver): void {
  call.reportTo(receiver, upstream)
  upstream.send(call)
}

function tell(receiver: CallReceiver, { label, result, error }: Outcome): void {
  if (error === undefined) receiver.resolved(label, result)
  else receiver.rejected(label, error)
}

/** An answer has to outlast the next one of its connection. */
function kept({ label, result }: Outcome): Outcome {
  return { label, result: isAnswer(result) ? result.kept() : result }
}

function isAnswer(result: unknown): result is RelayedAnswer {
  return result !== undefined && result !== NOT_CARRIED_OUT
}

/** The node has not been asked, or could not do it. */
function isFailure(result: unknown): boolean {
  return result === NOT_CARRIED_OUT || (isAnswer(result) && result.status >= Status.error)
}

/** A read has found something. */
function isHit(result: unknown): boolean {
  return isAnswer(result) && result.status !== Status.miss && result.status < Status.error
}

/** The command was carried out, whatever came of it. */
function isOutcome(result: unknown): boolean {
  return !isFailure(result)
}

/** It was carried out, and has changed something. */
function isDone(result: unknown): boolean {
  if (!isAnswer(result)) return false
  const { status } = result
  return (
    status === Status.stored ||
    status === Status.positive ||
    status === Status.done ||
    status === Status.value
  )
}

function rankOf({ result, error }: Outcome): number {
  if (error !== undefined) return 0
  if (isFailure(result)) return 1
  return isDone(result) ? 3 : 2
}
