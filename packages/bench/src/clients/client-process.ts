// The process in which one client is measured: does what the bench orders, one order at a time, and
// tells what came of it. Started by measured-client.ts.
import { BareSockets } from './bare-sockets.ts'
import { Callers, type ClientRound } from './callers.ts'
import { CLIENT_WORKLOADS, itemsOf } from './client-workloads.ts'
import { knownClient } from './known-clients.ts'

export type Order =
  /** Connect, store all items and read them back. */
  | {
      readonly kind: 'open'
      readonly client: string
      readonly workload: string
      readonly servers: readonly string[]
    }
  | { readonly kind: 'run'; readonly milliseconds: number }

export type Outcome =
  | { readonly kind: 'done'; readonly round?: ClientRound }
  | { readonly kind: 'failed'; readonly reason: string }

interface Load {
  run(milliseconds: number): Promise<ClientRound>
}

let load: Load | undefined

async function obey(order: Order): Promise<ClientRound | undefined> {
  if (order.kind === 'run') return await load!.run(order.milliseconds)
  load = await open(order)
  return undefined
}

async function open(order: Extract<Order, { kind: 'open' }>): Promise<Load> {
  const workload = CLIENT_WORKLOADS.find(({ name }) => name === order.workload)!
  const items = itemsOf(workload)
  const { open: openClient } = knownClient(order.client)
  if (openClient === undefined) return BareSockets.open(workload, items, order.servers)
  const callers = new Callers(await openClient(order.servers), workload, items)
  await callers.fillAndVerify()
  return callers
}

process.on('message', (order: Order) => {
  obey(order).then(
    (round) => tell({ kind: 'done', ...(round && { round }) }),
    (error: unknown) => tell({ kind: 'failed', reason: String(error) }),
  )
})
process.once('disconnect', () => process.exit())

function tell(outcome: Outcome): void {
  if (process.connected) process.send!(outcome)
}
