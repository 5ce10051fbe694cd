// How many items a server holds in the same memory: it is filled until it evicts, and asked.
// Knows nothing of slab classes; the server's own count is what is told.
import { BenchError } from '../errors.ts'
import { fill } from '../fill.ts'
import { readStatistics } from '../load/statistics.ts'
import { type ServerCommand, startServer } from '../servers.ts'
import { DEFAULT_WORKLOAD } from '../workload/workload.ts'
import type { CostSetting, Progress } from './setting.ts'

export interface ItemsHeld {
  readonly memoryMegabytes: number
  readonly keyBytes: number
  readonly labels: readonly string[]
  /** Items by value size, in the order of the labels. */
  readonly sizes: readonly { readonly valueBytes: number; readonly items: readonly number[] }[]
}

export const ITEMS_HELD_TARGETS = { each: 1, mean: 1.08 }

const KIB = 1024
const MIB = 1024 * KIB
const VALUE_BYTES = [10, 30, 60, 100, 200, 500, KIB, 4 * KIB, 20 * KIB, 100 * KIB]
const QUICK_VALUE_BYTES = [KIB, 100 * KIB]
const MEMORY_MEGABYTES = 64
const KEY_BYTES = 20
/** Far more than fit, counting keys and values alone; the fill ends when the count no longer rises. */
const SURPLUS = 3
/** Between two looks, of a server whose number of items no longer grows. */
const STEADY = 0.002

export async function measureItemsHeld(
  setting: CostSetting,
  progress: Progress,
  signal: AbortSignal,
): Promise<ItemsHeld | undefined> {
  const servers = setting.servers.slice(0, 2)
  const sizes: { valueBytes: number; items: number[] }[] = []
  for (const valueBytes of setting.quick ? QUICK_VALUE_BYTES : VALUE_BYTES) {
    const items: number[] = []
    for (const server of servers) {
      progress(`items held, values of ${valueBytes} B: ${server.label}`)
      items.push(await itemsHeld(server, valueBytes, setting, signal))
      if (signal.aborted) return undefined
    }
    sizes.push({ valueBytes, items })
  }
  const labels = servers.map((server) => server.label)
  return { memoryMegabytes: MEMORY_MEGABYTES, keyBytes: KEY_BYTES, labels, sizes }
}

async function itemsHeld(
  server: ServerCommand,
  valueBytes: number,
  { placement }: CostSetting,
  signal: AbortSignal,
): Promise<number> {
  const args = ['-t', '1', '-m', String(MEMORY_MEGABYTES)]
  await using running = await startServer(server, args, placement?.server)
  const { address } = running
  const keys = Math.ceil((SURPLUS * MEMORY_MEGABYTES * MIB) / (valueBytes + KEY_BYTES))
  const workload = { ...DEFAULT_WORKLOAD, keys, keyBytes: KEY_BYTES, valueBytes }
  let items = 0
  let steady = false
  const enough = async (): Promise<boolean> => {
    const { numbers } = await readStatistics(address)
    const now = numbers.get('curr_items') ?? Number.NaN
    const evicting = (numbers.get('evictions') ?? 0) > 0
    steady = evicting && Math.abs(now - items) <= now * STEADY
    items = now
    return steady
  }
  await fill({ address, workload, driver: 'auto', enough }, signal)
  if (!steady && !signal.aborted) {
    throw new BenchError(
      'CANNOT_FILL',
      `"${running.commandLine}" has not come to a steady number of items: ${items} of ${keys}`,
    )
  }
  return items
}
