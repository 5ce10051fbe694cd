// The process in which one client is measured: does what the bench orders, one order at a time, and
// tells what came of it. Started by measured-client.ts.
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

let callers: Callers | undefined

async function obey(order: Order): Promise<ClientRound | undefined> {
  switch (order.kind) {
    case 'open': {
      const workload = CLIENT_WORKLOADS.find(({ name }) => name === order.workload)!
      const client = await knownClient(order.client).open(order.servers)
      callers = new Callers(client, workload, itemsOf(workload))
      await callers.fillAndVerify()
      return undefined
    }
    case 'run':
      return await callers!.run(order.milliseconds)
  }
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
