// Hot keys on several nodes: read from one of them, written to all. A copy is where any other key might be,
// on the node after the key's own in the order of names. Knows which calls read and which write; what
// becomes of a call whose node fails is the pool's business.
import { positiveInteger } from './arguments.ts'
import { NodeDownError } from './errors.ts'
import type { Call } from './node/call.ts'
import type { Node } from './node/node.ts'
import type { Pool } from './pool.ts'
import { remove } from './wire/operations.ts'

export class Replicas {
  readonly #pool: Pool
  readonly #countOf: ((key: string) => number) | undefined

  /** `countOf`: on how many nodes a key is, where the call doesn't say it. */
  constructor(pool: Pool, countOf: ((key: string) => number) | undefined) {
    this.#pool = pool
    this.#countOf = countOf
  }

  /** As the pool's `dispatch`. @throws ArgumentError when the number of nodes makes no sense. */
  dispatch(call: Call): void {
    if (call.replicas === 0 && this.#countOf === undefined) this.#pool.dispatch(call)
    else this.#spread(call, call.replicas || positiveInteger('replicas', this.#countOf!(call.key)))
  }

  #spread(call: Call, count: number): void {
    const [home, ...others] = this.#pool.locateAll(call.routingKey, count)
    const copies = others.filter((node) => node.state === 'up')
    const { copies: asked = 'stale' } = call.operation
    // Conditions, and what makes an item stale, are about the item at home.
    const kind = asked === 'every' && call.metaFlags !== '' ? 'stale' : asked
    if (copies.length === 0 || kind === 'home') this.#pool.dispatch(call)
    else if (kind === 'any') this.#read(call, home?.state === 'up', copies)
    else void this.#write(call, home?.state === 'up', copies, kind)
  }

  /** From any of the nodes; what a copy doesn't have, or doesn't say, the key's own node is asked. */
  #read(call: Call, homeIsUp: boolean, copies: readonly Node[]): void {
    const chosen = Math.floor(Math.random() * (copies.length + (homeIsUp ? 1 : 0)))
    const node = copies[chosen]
    if (node === undefined) {
      this.#pool.dispatch(call)
      return
    }
    const askHome = (): void => {
      if (!call.settled) this.#pool.dispatch(call)
    }
    this.#ask(node, call.copy()).then((value) => {
      if (value === undefined) askHome()
      else call.resolve(value)
    }, askHome)
  }

  /**
   * To all of the nodes; the result is the key's own node's, or an error if any node may have kept an old
   * value. What a call makes of the value is known to no other node: there the copies are deleted.
   */
  async #write(
    call: Call,
    homeIsUp: boolean,
    copies: readonly Node[],
    kind: 'every' | 'stale',
  ): Promise<void> {
    try {
      if (kind === 'every') {
        const asked = copies.map((node) => this.#ask(node, call.copy()).catch(ifStillThere))
        if (homeIsUp) asked.unshift(this.#askHome(call.copy()))
        const results = (await Promise.all(asked)).filter((result) => result !== GONE)
        // All of them gone meanwhile: then it is as for any key whose node is down.
        if (results.length === 0) this.#pool.dispatch(call)
        else call.resolve(results[0])
      } else {
        const result = await this.#askHome(call.copy())
        await Promise.all(
          copies.map((node) => this.#ask(node, deletionOf(call)).catch(ifStillThere)),
        )
        call.resolve(result)
      }
    } catch (error) {
      call.reject(error)
    }
  }

  #askHome(call: Call): Promise<unknown> {
    const answer = call.promise()
    this.#pool.dispatch(call)
    return answer
  }

  #ask(node: Node, call: Call): Promise<unknown> {
    call.isCopy = true
    const answer = call.promise()
    this.#pool.dispatchTo(node, call)
    return answer
  }
}

function deletionOf(call: Call): Call {
  return Object.assign(call.copy(remove), { data: '', metaFlags: '' })
}

/** A node that is down or has left is not read from: it has no old value to give. */
function ifStillThere(error: unknown): typeof GONE {
  if (error instanceof NodeDownError) return GONE
  throw error
}

const GONE = Symbol('gone')
