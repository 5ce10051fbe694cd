// The dashboard as the lines of a terminal: (state, size) -> lines, never more or wider than the terminal is. Pure.
import { type Dashboard, totalOf, VIEWS } from './dashboard.ts'
import {
  bar,
  bytesText,
  countText,
  fitted,
  percentText,
  printable,
  secondsText,
  sparkline,
} from './figures.ts'
import type { Paint } from './paint.ts'
import { columnsOf, viewLines } from './views.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

const LABEL = 11
const FIGURE = 9

const HELP = [
  ' q          quit',
  ' tab, 1-4   nodes, hottest keys, slab classes, latencies',
  ' < >        sort by another column; the arrows do too',
  ' p          pause, and go on',
  ' ?          this, and back',
  '',
  ' Figures are by second, between the last two samples. hits: of gets.',
  ' age: how long the item that waits longest was not asked for;',
  ' evicted: the same of the one that was evicted last.',
  ' cold: hits lie 10 points below those of the other nodes together.',
]

export function screenLines(dashboard: Dashboard, { columns, rows }: Size, paint: Paint): string[] {
  const top = [titleLine(dashboard, columns, paint), '', ...totalLines(dashboard, columns, paint)]
  const body = dashboard.isHelpShown ? HELP : viewLines(dashboard, columns, paint)
  const reasons = dashboard.view === 'nodes' && !dashboard.isHelpShown ? downLines(dashboard) : []
  const room = Math.max(0, rows - top.length - 2)
  // On a low terminal the table is worth more than why a node is down.
  const forReasons = Math.max(0, Math.min(reasons.length, room - body.length))
  const table = cutTo(body, room - forReasons, paint)
  const told = reasons
    .slice(0, forReasons)
    .map((line) => paint('bad', fitted(line, columns).trimEnd()))
  const shown = [...top, '', ...table, ...told].slice(0, Math.max(0, rows - 1))
  while (shown.length < rows - 1) shown.push('')
  return [...shown, footLine(dashboard, columns, paint)].map((line) => clipped(line, columns))
}

function titleLine({ nodes, view, isPaused }: Dashboard, columns: number, paint: Paint): string {
  const down = nodes.filter((node) => node.down !== undefined).length
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`
  const tabs = VIEWS.map((of, i) =>
    paint(of === view ? 'inverse' : 'faint', ` ${i + 1} ${of} `),
  ).join('')
  const parts = [paint('strong', ' memshard top'), tabs, count]
  if (down > 0) parts.push(paint('bad', `${down} down`))
  if (isPaused) parts.push(paint('warning', 'paused'))
  return clipped(parts.join('  '), columns)
}

function totalLines(dashboard: Dashboard, columns: number, paint: Paint): string[] {
  const { rates, bytes, limit, items, connections } = totalOf(dashboard)
  const room = Math.max(0, Math.min(100, columns - LABEL - FIGURE - 3))
  const line = (label: string, value: string, rest: string): string =>
    ` ${paint('faint', fitted(label, LABEL))}${paint('strong', fitted(value, FIGURE, true))}  ${rest}`
  const share = limit === 0 ? 0 : bytes / limit
  const memory = `${bytesText(bytes)} of ${bytesText(limit)}`
  const barRoom = Math.max(0, Math.min(30, room - memory.length - 2))
  return [
    line(
      'ops/s',
      countText(rates?.operations),
      paint('accent', sparkline(dashboard.operations, room).trimStart()),
    ),
    line(
      'hits',
      percentText(rates?.hitRatio),
      paint('good', sparkline(dashboard.hitRatios, room, 1).trimStart()),
    ),
    line(
      'memory',
      percentText(limit === 0 ? undefined : share),
      `${paint('accent', bar(share, barRoom))}  ${memory}`,
    ),
    line(
      'evictions/s',
      countText(rates?.evictions),
      `${countText(items)} items, ${countText(connections)} connections`,
    ),
  ]
}

function downLines({ nodes }: Dashboard): string[] {
  const down = nodes.flatMap(({ name, down, sample }) =>
    down === undefined ? [] : { name, down, sample },
  )
  if (down.length === 0) return []
  const lines = down.map(({ name, down: why, sample }) => {
    const was = sample === undefined ? '' : `; had been up for ${secondsText(sample.uptime)}`
    return ` ${printable(name)} is down: ${printable(why)}${was}`
  })
  return ['', ...lines]
}

function cutTo(lines: readonly string[], room: number, paint: Paint): readonly string[] {
  if (lines.length <= room) return lines
  const hidden = lines.length - Math.max(0, room - 1)
  return [...lines.slice(0, Math.max(0, room - 1)), paint('faint', ` ... ${hidden} more`)]
}

function footLine({ view, sort }: Dashboard, columns: number, paint: Paint): string {
  const by = columnsOf(view)[sort[view]]?.title ?? ''
  return paint('inverse', fitted(` q quit  ? help  tab view  < > sort (${by})  p pause`, columns))
}

/** Cut at the width; escape sequences take no room, and none stays open. */
function clipped(line: string, width: number): string {
  let room = width
  let result = ''
  for (const [piece] of line.matchAll(/\p{Cc}\[[\d;]*m|./gsu)) {
    if (piece.length > 1 && piece.startsWith('\x1b')) result += piece
    else if (room-- > 0) result += piece
  }
  return result
}
