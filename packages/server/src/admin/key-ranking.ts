// Hottest keys and prefixes and the largest items, as `stats hotkeys`, `hotprefixes` and `bigkeys` rank them. Knows
// their form; who may see them is decided elsewhere.
import type { InProcessClient } from './in-process-client.ts'
import type { KeyState, RankedKey } from './page-data.ts'
import { numberOf, parseStatistics, type Statistics } from './statistics-text.ts'

const SHOWN_KEYS = 20

export function rankedKeys(client: Pick<InProcessClient, 'ask'>): KeyState {
  const answers = ['hotkeys', 'hotprefixes', 'bigkeys'].map((report) =>
    client.ask(`stats ${report} ${SHOWN_KEYS}`),
  )
  const refusal = answers.find((answer) => /^(\w+_)?ERROR/.test(answer))
  if (refusal !== undefined) {
    const reason = refusal.trim() === 'ERROR' ? 'this server does not rank keys' : refusal.trim()
    return { shown: false, reason, token: false }
  }
  const [hot, prefixes, big] = answers.map(parseStatistics)
  if (hot.get('telemetry') === 'disabled') {
    return { shown: false, reason: 'the server was started with -o no_telemetry', token: false }
  }
  return {
    shown: true,
    windowSeconds: numberOf(hot, 'window_seconds') ?? 0,
    sampled: numberOf(hot, 'sampled') ?? 0,
    hot: ranked(hot, 'key:'),
    prefixes: ranked(prefixes, 'prefix:'),
    big: ranked(big, 'key:'),
  }
}

function ranked(statistics: Statistics, prefix: string): readonly RankedKey[] {
  return Array.from(statistics.keys()).flatMap((name) => {
    const amount = numberOf(statistics, name)
    if (!name.startsWith(prefix) || amount === undefined) return []
    return [{ key: name.slice(prefix.length), amount }]
  })
}
