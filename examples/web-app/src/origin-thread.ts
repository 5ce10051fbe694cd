// The origin's thread: it answers one question after the other, as a database with one core. Knows orders and messages.
import { parentPort } from 'node:worker_threads'
import { type Ask, Orders, type Question } from './orders.ts'

export interface Asked {
  readonly id: number
  readonly question: Question
  readonly ask: Ask<Question>
}

export interface Answered {
  readonly id: number
  readonly answer: unknown
  /** How long it has worked, without the time in the queue. */
  readonly ms: number
}

const orders = new Orders()

parentPort!.on('message', ({ id, question, ask }: Asked) => {
  const begun = performance.now()
  const answer = (orders[question] as (ask: Ask<Question>) => unknown).call(orders, ask)
  parentPort!.postMessage({ id, answer, ms: performance.now() - begun } satisfies Answered)
})
