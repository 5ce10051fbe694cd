// Makes operations into requests while they are sent: draws them from a source, gives each to the conversation with
// the server of its key, and follows up what answers call for. Knows neither sockets nor a protocol's bytes.
import type { Caller } from '../load/conversation.ts'
import {
  APPEND,
  DELETE,
  GET,
  type KeySpace,
  type OperationSource,
  operation,
  SET,
} from '../workload/operation.ts'
import type { Tally } from '../workload/tally.ts'
import type { Protocol } from '../workload/workload.ts'
import { FollowUps } from './follow-ups.ts'
import { KeyGroup } from './key-group.ts'
import type { Observer } from './observer.ts'
import { SET_APPENDED } from './request-kinds.ts'
import { ServerConversation } from './server-conversation.ts'
import type { ValueLedger } from './value-ledger.ts'

export interface OperationCallerOptions {
  readonly protocol: Protocol
  readonly source: OperationSource
  readonly keySpace: KeySpace
  /** So many gets that are drawn make one: a request for each server that has some of the keys. */
  readonly keysPerGet: number
  /** Stores what a get has missed, first thing in the next batch. */
  readonly fillMisses: boolean
  readonly servers: number
  /** Below `servers`. */
  readonly serverOf: (key: number) => number
  readonly tally: Tally
  /** Whether a get of a key without a value is an outcome like another (counted as a miss), or an error. */
  readonly mayMiss: boolean
  /** Checks every value of gets; the keys that are set and deleted then are those the ledger's thread owns. */
  readonly ledger?: ValueLedger | undefined
  readonly observer?: Observer | undefined
}

/** Appends after which, on average, a key is set instead, so that it does not grow for ever. */
const APPENDS_BETWEEN_SETS = 16
/** Fewer where they are long: chance may leave a key without a set for many times as many. */
const APPENDED_BYTES_BETWEEN_SETS = 32 * 1_024

export class OperationCaller implements Caller {
  readonly conversations: readonly ServerConversation[]
  readonly #options: OperationCallerOptions
  readonly #followUps = new FollowUps()
  readonly #group: KeyGroup
  readonly #operation = operation()
  #appends = 0

  constructor(options: OperationCallerOptions) {
    this.#options = options
    this.#group = new KeyGroup(options.keysPerGet, options.serverOf)
    this.conversations = Array.from(
      { length: options.servers },
      () => new ServerConversation(options, this.#followUps),
    )
  }

  /**
   * A get that takes more requests than are left of `count`, as it may with several servers, is continued by the
   * next batch.
   */
  begin(count: number): number {
    const { conversations } = this
    for (let server = 0; server < conversations.length; server++)
      conversations[server]!.beginBatch()
    const group = this.#group
    let made = 0
    while (made < count) {
      if (group.isFull || group.isAsking) {
        group.ask(conversations)
        made++
      } else if (this.#draw()) {
        if (this.#make()) made++
      } else if (!group.isEmpty) {
        // The last keys of a source that has ended.
        group.ask(conversations)
        made++
      } else {
        break
      }
    }
    return made
  }

  #draw(): boolean {
    return this.#followUps.next(this.#operation) || this.#options.source.next(this.#operation)
  }

  /** Makes a request of the operation that was drawn; false when it only adds a key to one that is yet to be made. */
  #make(): boolean {
    const { keysPerGet, ledger, serverOf } = this.#options
    const drawn = this.#operation
    let { kind, key } = drawn
    if (kind === GET && keysPerGet > 1) {
      this.#group.add(drawn)
      return false
    }
    if (ledger !== undefined && (kind === SET || kind === DELETE)) key = ledger.ownedKey(key)
    if (kind === APPEND && this.#mustSet(drawn.valueBytes)) kind = SET_APPENDED
    this.conversations[serverOf(key)]!.request(kind, key, drawn.valueBytes, drawn.ttl)
    return true
  }

  #mustSet(appendedBytes: number): boolean {
    const longest = Math.min(APPENDS_BETWEEN_SETS, APPENDED_BYTES_BETWEEN_SETS / appendedBytes)
    if (++this.#appends < longest) return false
    this.#appends = 0
    return true
  }
}
