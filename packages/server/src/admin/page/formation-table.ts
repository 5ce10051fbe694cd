// The formation: its nodes side by side, and what they are together. Knows how a node is told.
import type { FormationState } from '../page-data.ts'
import { byId, element, setText } from './dom.ts'
import { bytes, count, duration, percent } from './format.ts'
import { type FormationRow, figuresOf } from './formation-rows.ts'
import { type Column, Table } from './table.ts'

/** Rates are over so many looks, a second each. */
const LOOKS = 10

const COLUMNS: readonly Column<FormationRow>[] = [
  { head: 'Node', name: true, text: ({ node }) => node.name },
  { head: 'State', text: ({ mark }) => mark ?? 'up' },
  {
    head: 'Share of keys',
    title: 'Its part of the ring',
    text: ({ node }) => percent(node.share),
    bar: ({ node }) => node.share,
  },
  {
    head: 'Share of requests',
    text: ({ load }) => percent(load),
    bar: ({ load }) => load ?? 0,
  },
  {
    head: 'Requests',
    text: ({ perSecond }) => (perSecond === null ? '–' : `${count(perSecond)}/s`),
  },
  {
    head: 'Hit ratio',
    text: ({ hitRatio }) => percent(hitRatio),
    bar: ({ hitRatio }) => hitRatio ?? 0,
  },
  { head: 'Items', text: ({ items }) => count(items) },
  {
    head: 'Memory',
    text: ({ bytes: used, limitBytes }) =>
      used === null ? '–' : `${bytes(used)} of ${bytes(limitBytes)}`,
    bar: ({ bytes: used, limitBytes }) => (used === null || !limitBytes ? 0 : used / limitBytes),
  },
  {
    head: 'Evictions',
    text: ({ evictionsPerSecond }) =>
      evictionsPerSecond === null ? '–' : `${count(evictionsPerSecond)}/s`,
  },
  { head: 'Connections', text: ({ connections }) => count(connections) },
  { head: 'Up for', text: ({ uptime }) => duration(uptime) },
  { head: 'Version', text: ({ node }) => node.version ?? '–' },
]

export class FormationTable {
  readonly #table = new Table('Nodes of the formation', COLUMNS, {
    key: ({ node }: FormationRow) => node.name,
    classes: ({ mark }) => mark ?? '',
  })
  readonly #looks: FormationState[] = []
  readonly #notes = element('ul', { class: 'notes' })

  constructor() {
    byId('formation-table').append(this.#notes, this.#table.element)
  }

  show(state: FormationState): void {
    if (state.at === this.#looks.at(-1)?.at) return
    this.#looks.push(state)
    if (this.#looks.length > LOOKS) this.#looks.shift()
    const figures = figuresOf(state, this.#looks.length > 1 ? this.#looks[0] : undefined)
    this.#table.show(figures.rows)
    setText(
      byId('formation-about'),
      [
        `${figures.up} of ${state.nodes.length} nodes up`,
        `${count(figures.perSecond)} requests/s`,
        `hit ratio ${percent(figures.hitRatio)}`,
        figures.imbalance === null
          ? ''
          : `the busiest has ${figures.imbalance.toFixed(2)} × the requests of its share`,
      ]
        .filter((part) => part !== '')
        .join(' · '),
    )
    const notes: [mark: string, text: string][] = []
    for (const { node, mark, reason } of figures.rows) {
      if (mark !== undefined) notes.push([mark, `${node.name} is ${mark}: ${reason}`])
    }
    if (state.trouble !== undefined) notes.unshift(['down', `The list of nodes: ${state.trouble}`])
    const said = JSON.stringify(notes)
    if (this.#notes.dataset.said === said) return
    this.#notes.dataset.said = said
    this.#notes.replaceChildren(
      ...notes.map(([mark, text]) => element('li', { class: mark }, text)),
    )
  }
}
