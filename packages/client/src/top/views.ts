// What stands in the table of each view: its rows and columns. Pure.
import {
  type Condition,
  conditionOf,
  type Dashboard,
  type NodeState,
  type View,
} from './dashboard.ts'
import {
  bytesText,
  countText,
  microsecondsText,
  percentText,
  secondsText,
  sparkline,
} from './figures.ts'
import type { Ink, Paint } from './paint.ts'
import type { HotKey, Latency, SlabClass } from './statistics.ts'
import { type Column, tableLines } from './table.ts'

interface NodeRow extends NodeState {
  readonly condition: Condition
}

interface OfNode {
  readonly node: string
}

const INK_OF: Readonly<Record<Condition, Ink>> = {
  up: 'good',
  cold: 'warning',
  down: 'bad',
  unknown: 'faint',
}
const GETS: ReadonlySet<string> = new Set(['get', 'gets', 'mg'])
const SPARKLINE = 16
const NAME = 28

/** Higher first; `expendable` says how soon the column goes on a narrow terminal. */
function figure<Row>(
  title: string,
  expendable: number,
  order: (row: Row) => number | undefined,
  text: (figure: number | undefined) => string,
): Column<Row> {
  return { title, expendable, order, text: (row) => text(order(row)) }
}

function name<Row>(title: string, of: (row: Row) => string): Column<Row> {
  return { title, expendable: 0, order: of, text: of, isText: true, atMost: NAME }
}

const live = ({ sample, down }: NodeState) => (down === undefined ? sample : undefined)

/** Of the kind of get that the node's clients use most: mg is one too. */
function latencyOfGets(node: NodeState): Latency | undefined {
  const gets = (live(node)?.latency ?? []).filter(({ command }) => GETS.has(command))
  return gets.sort((a, b) => b.count - a.count)[0]
}

const NODE_COLUMNS: readonly Column<NodeRow>[] = [
  name('node', (row) => row.name),
  {
    title: 'state',
    expendable: 1,
    order: ({ condition }) => ['down', 'cold', 'unknown', 'up'].indexOf(condition) * -1,
    text: ({ condition }) => (condition === 'unknown' ? '...' : condition),
    isText: true,
    ink: ({ condition }) => INK_OF[condition],
  },
  figure('ops/s', 2, ({ rates }) => rates?.operations, countText),
  figure('get/s', 6, ({ rates }) => rates?.gets, countText),
  figure('set/s', 7, ({ rates }) => rates?.sets, countText),
  figure('del/s', 14, ({ rates }) => rates?.deletes, countText),
  figure('incr/s', 16, ({ rates }) => rates?.arithmetic, countText),
  figure('touch/s', 17, ({ rates }) => rates?.touches, countText),
  figure('hits', 3, ({ rates }) => rates?.hitRatio, percentText),
  figure('used', 4, (row) => live(row)?.bytes, bytesText),
  figure('limit', 10, (row) => live(row)?.limit, bytesText),
  figure('items', 8, (row) => live(row)?.items, countText),
  figure('conns', 9, (row) => live(row)?.connections, countText),
  figure('evict/s', 5, ({ rates }) => rates?.evictions, countText),
  figure('age', 12, (row) => live(row)?.age, secondsText),
  figure('evicted', 15, (row) => live(row)?.evictedAge, secondsText),
  figure('share', 11, ({ share }) => share, percentText),
  figure('get p99', 13, (row) => latencyOfGets(row)?.p99, microsecondsText),
  {
    title: 'history',
    expendable: 18,
    order: ({ rates }) => rates?.operations,
    text: ({ history }) => sparkline(history, SPARKLINE),
    ink: () => 'accent',
  },
]

type KeyRow = HotKey & OfNode & { readonly perSecond: number }

const KEY_COLUMNS: readonly Column<KeyRow>[] = [
  figure('requests', 1, ({ requests }) => requests, countText),
  figure('per second', 3, ({ perSecond }) => perSecond, countText),
  { ...name('node', ({ node }) => node), expendable: 2 },
  { ...name('key', ({ key }) => key), atMost: 120 },
]

type SlabRow = SlabClass & OfNode

const SLAB_COLUMNS: readonly Column<SlabRow>[] = [
  name('node', ({ node }) => node),
  { ...figure('class', 0, ({ id }) => id, String), order: ({ id }) => -id },
  figure('chunk', 3, ({ chunkSize }) => chunkSize, bytesText),
  figure('pages', 2, ({ pages }) => pages, countText),
  figure('items', 1, ({ items }) => items, countText),
  figure('chunks', 6, ({ totalChunks }) => totalChunks, countText),
  figure('full', 4, ({ usedChunks, totalChunks }) => ratio(usedChunks, totalChunks), percentText),
  figure('wasted', 7, (of) => wasted(of), percentText),
  figure('evicted', 5, ({ evicted }) => evicted, countText),
  figure('age', 8, ({ age }) => age, secondsText),
]

type LatencyRow = Latency & OfNode

const LATENCY_COLUMNS: readonly Column<LatencyRow>[] = [
  name('node', ({ node }) => node),
  { ...name('command', ({ command }) => command), atMost: 10 },
  figure('requests', 4, ({ count }) => count, countText),
  figure('p50', 2, ({ p50 }) => p50, microsecondsText),
  figure('p90', 5, ({ p90 }) => p90, microsecondsText),
  figure('p99', 1, ({ p99 }) => p99, microsecondsText),
  figure('p99.9', 3, ({ p999 }) => p999, microsecondsText),
  figure('max', 6, ({ max }) => max, microsecondsText),
]

/** Of the used chunks' bytes, those that no item asked for. */
function wasted({ usedChunks, chunkSize, requested }: SlabClass): number | undefined {
  const used = ratio(requested, usedChunks * chunkSize)
  return used === undefined ? undefined : Math.max(0, 1 - used)
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}

const COLUMNS = {
  nodes: NODE_COLUMNS,
  keys: KEY_COLUMNS,
  slabs: SLAB_COLUMNS,
  latency: LATENCY_COLUMNS,
} as const satisfies Record<View, readonly unknown[]>

export function columnsOf(view: View): readonly { readonly title: string }[] {
  return COLUMNS[view]
}

/** Titles and rows of the view; a sentence when there is nothing to show. */
export function viewLines(dashboard: Dashboard, width: number, paint: Paint): string[] {
  const { nodes, view, sort } = dashboard
  const answering = nodes.flatMap((node) => {
    const sample = live(node)
    return sample === undefined ? [] : { node: node.name, sample }
  })
  const table = <Row>(columns: readonly Column<Row>[], rows: readonly Row[], none: string) =>
    rows.length === 0
      ? [paint('faint', ` ${none}`)]
      : tableLines(columns, rows, sort[view], width, paint)
  switch (view) {
    case 'nodes': {
      const rows = nodes.map((node) => ({ ...node, condition: conditionOf(node, dashboard) }))
      return table(NODE_COLUMNS, rows, 'no nodes')
    }
    case 'keys': {
      const rows = answering.flatMap(({ node, sample: { hotKeys, uptime } }) =>
        (hotKeys?.keys ?? []).map((hot) => {
          const seconds = Math.max(1, Math.min(hotKeys?.windowSeconds ?? 1, uptime))
          return { ...hot, node, perSecond: hot.requests / seconds }
        }),
      )
      return table(KEY_COLUMNS, rows, 'no hot keys yet; nodes of memshard tell them, memcached not')
    }
    case 'slabs': {
      const rows = answering.flatMap(({ node, sample }) =>
        sample.slabs.map((of) => ({ ...of, node })),
      )
      return table(SLAB_COLUMNS, rows, 'no slab class has a page yet')
    }
    case 'latency': {
      const rows = answering.flatMap(({ node, sample }) =>
        (sample.latency ?? []).map((of) => ({ ...of, node })),
      )
      return table(
        LATENCY_COLUMNS,
        rows,
        'no latencies yet; nodes of memshard measure, memcached not',
      )
    }
  }
}
