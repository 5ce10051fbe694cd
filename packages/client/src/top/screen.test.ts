// The dashboard from outcomes and keys to lines.
import { describe, expect, test } from 'vitest'
import { afterAction, afterRound, type Dashboard, newDashboard, withOutcome } from './dashboard.ts'
import { actionsOf } from './keyboard.ts'
import { inColor, plain } from './paint.ts'
import { screenLines } from './screen.ts'
import { sampleOf } from './statistics.ts'
import { columnsOf } from './views.ts'

const WIDE = { columns: 160, rows: 30 }

function sample(seconds: number, statistics: Record<string, number>) {
  const all = { pid: 1, uptime: 100, limit_maxbytes: 2 ** 26, ...statistics }
  const general = new Map(Object.entries(all).map(([name, n]) => [name, String(n)]))
  const hotKeys = new Map([
    ['window_seconds', '60'],
    ['key:a', '120'],
  ])
  const none = undefined
  return {
    sample: sampleOf({ general, items: none, slabs: none, latency: none, hotKeys }, seconds * 1000),
  }
}

/** One that is warm and busy, one that is cold, one that is down. */
function three(): Dashboard {
  const names = ['warm', 'cold', 'dead']
  let dashboard = newDashboard(names.map((name) => ({ name, address: name, share: 1 / 3 })))
  const heard: typeof withOutcome = (...args) => {
    dashboard = withOutcome(...args)
    return dashboard
  }
  heard(dashboard, 'warm', sample(0, {}))
  heard(dashboard, 'cold', sample(0, {}))
  heard(dashboard, 'dead', { down: 'connect ECONNREFUSED' })
  heard(dashboard, 'warm', sample(1, { cmd_get: 2000, get_hits: 1900, get_misses: 100 }))
  heard(dashboard, 'cold', sample(1, { cmd_get: 100, get_hits: 20, get_misses: 80 }))
  return afterRound(dashboard)
}

function typed(dashboard: Dashboard, keys: string): Dashboard {
  return actionsOf(keys).reduce(
    (state, action) => afterAction(state, action, columnsOf(state.view).length),
    dashboard,
  )
}

const screen = (dashboard: Dashboard, size = WIDE): string =>
  screenLines(dashboard, size, plain).join('\n')

const order = (dashboard: Dashboard): string[] =>
  screenLines(dashboard, WIDE, plain).flatMap(
    (line) => /^ (warm|cold|dead) +(?:up|cold|down) /.exec(line)?.[1] ?? [],
  )

test('shows totals, and for each node what it does and how it is', () => {
  const shown = screen(three())
  expect(shown).toMatch(/ops\/s +2\.10k/)
  expect(shown).toMatch(/hits +91\.4%/)
  expect(shown).toMatch(/of 128M/)
  expect(shown).toMatch(/ warm +up +2\.00k/)
  expect(shown).toMatch(/ cold +cold +100 /)
  expect(shown).toMatch(/ dead +down +- /)
  expect(shown).toContain('dead is down: connect ECONNREFUSED')
  expect(shown).toContain('3 nodes  1 down')
})

test('before anything is known it says nothing of it', () => {
  const shown = screen(newDashboard([{ name: 'a', address: 'a', share: 1 }]))
  expect(shown).toMatch(/ops\/s +- /)
  expect(shown).toMatch(/ a +\.\.\. +- /)
})

test('rows are in the order of the chosen column: names upwards, figures downwards', () => {
  expect(order(three())).toEqual(['cold', 'dead', 'warm'])
  expect(order(typed(three(), '>>'))).toEqual(['warm', 'cold', 'dead'])
  expect(order(typed(three(), '>'))).toEqual(['dead', 'cold', 'warm'])
  expect(order(typed(three(), '>\x1b[D'))).toEqual(['cold', 'dead', 'warm'])
})

test('keys choose the view, the help, the pause', () => {
  expect(screen(typed(three(), '2'))).toMatch(/120 +2 +cold +a/)
  expect(typed(three(), '\t\t').view).toBe('slabs')
  expect(typed(three(), '\x1b[Z').view).toBe('latency')
  expect(screen(typed(three(), '?'))).toContain('sort by another column')
  expect(screen(typed(three(), '??'))).not.toContain('sort by another column')
  expect(screen(typed(three(), 'p'))).toContain('paused')
  expect(actionsOf('x\x1b[5~q')).toEqual([{ do: 'quit' }])
})

describe.each([1, 2, 5, 12, 24, 60])('with %i rows', (rows) => {
  test.each([1, 5, 20, 50, 80, 200])('of %i columns it fits exactly', (columns) => {
    for (const keys of ['1', '2', '3', '4', '?']) {
      const dashboard = typed(three(), keys)
      const lines = screenLines(dashboard, { columns, rows }, plain)
      expect(lines).toHaveLength(rows)
      expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(columns)
      const colored = screenLines(dashboard, { columns, rows }, inColor)
      expect(colored.map((line) => line.replace(/\p{Cc}\[[\d;]*m/gu, ''))).toEqual(lines)
    }
  })
})

test('what a node says can not steer the terminal', () => {
  const hostile = withOutcome(three(), 'dead', { down: 'x\x1b[2Jy\r\nz' })
  expect(screen(hostile)).toContain('dead is down: x?[2Jy??z')
})

test('more nodes than there is room for are counted', () => {
  const names = Array.from({ length: 50 }, (_, i) => `node${i}`)
  const many = newDashboard(names.map((name) => ({ name, address: name, share: 0.02 })))
  expect(screen(many)).toMatch(/\.\.\. \d+ more/)
})
