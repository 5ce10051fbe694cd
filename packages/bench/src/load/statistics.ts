// The numbers that a server tells of itself in answer to `stats`. Knows no load.
import { once } from 'node:events'
import { connectTo, type ServerAddress } from './address.ts'

const DEADLINE_MS = 5_000

export interface Statistics {
  readonly version: string
  /** `curr_items` and the others; those that are no numbers are left out. */
  readonly numbers: ReadonlyMap<string, number>
}

export async function readStatistics(address: ServerAddress): Promise<Statistics> {
  const socket = connectTo(address)
  try {
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('no answer to "stats"')))
    await once(socket, 'connect')
    socket.write('stats\r\n')
    let text = ''
    for await (const bytes of socket) {
      text += String(bytes)
      if (text.endsWith('END\r\n')) break
    }
    return parseStatistics(text)
  } finally {
    socket.destroy()
  }
}

export function parseStatistics(text: string): Statistics {
  const fields = [...text.matchAll(/^STAT (\S+) (\S+)\r$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )
  const numbers = fields
    .map(([name, value]) => [name, Number(value)] as const)
    .filter(([, value]) => Number.isFinite(value))
  return { version: new Map(fields).get('version') ?? 'unknown', numbers: new Map(numbers) }
}
