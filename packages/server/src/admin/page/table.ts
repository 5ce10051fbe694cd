// A table whose rows stay where they are while their values change. Knows no statistic.
import { element, setText } from './dom.ts'

export interface Column<Row> {
  readonly head: string
  /** What the head means, where it is short. */
  readonly title?: string
  readonly text: (row: Row) => string
  /** A bar behind the text, 0 to 1. */
  readonly bar?: (row: Row) => number
  /** Text to the left. */
  readonly name?: boolean
}

export interface RowMarks<Row> {
  readonly key: (row: Row) => string
  readonly classes?: (row: Row) => string
}

export class Table<Row> {
  readonly element: HTMLElement
  readonly #columns: readonly Column<Row>[]
  readonly #marks: RowMarks<Row>
  readonly #body = element('tbody')
  readonly #rows = new Map<string, HTMLTableRowElement>()
  #marked: string | undefined

  constructor(caption: string, columns: readonly Column<Row>[], marks: RowMarks<Row>) {
    this.#columns = columns
    this.#marks = marks
    const head = element(
      'tr',
      {},
      ...columns.map(({ head, title, name }) =>
        element('th', { scope: 'col', title, class: name && 'name' }, head),
      ),
    )
    const table = element(
      'table',
      {},
      element('caption', { class: 'hidden' }, caption),
      element('thead', {}, head),
      this.#body,
    )
    // What is wider than the screen is moved by keys too.
    this.element = element(
      'div',
      { class: 'table', tabindex: 0, role: 'group', 'aria-label': `${caption}, a table` },
      table,
    )
  }

  show(rows: readonly Row[]): void {
    const present = new Set<string>()
    rows.forEach((row, i) => {
      const key = this.#marks.key(row)
      present.add(key)
      const shown = this.#rows.get(key) ?? this.#add(key)
      shown.className = this.#marks.classes?.(row) ?? ''
      shown.classList.toggle('marked', key === this.#marked)
      this.#columns.forEach((column, c) => {
        const cell = shown.cells[c]
        setText(cell.querySelector('.text') ?? cell, column.text(row))
        const bar = cell.querySelector<HTMLElement>('.bar')
        if (bar && column.bar) bar.style.inlineSize = `${Math.min(1, column.bar(row)) * 100}%`
      })
      if (this.#body.children[i] !== shown)
        this.#body.insertBefore(shown, this.#body.children[i] ?? null)
    })
    for (const [key, row] of this.#rows) {
      if (present.has(key)) continue
      row.remove()
      this.#rows.delete(key)
    }
  }

  /** Marks the row of the key, and no other. */
  mark(key: string | undefined): void {
    this.#marked = key
    for (const [own, row] of this.#rows) row.classList.toggle('marked', own === key)
  }

  #add(key: string): HTMLTableRowElement {
    const cells = this.#columns.map(({ name, bar }) =>
      element(
        name ? 'th' : 'td',
        name ? { scope: 'row' } : {},
        bar && element('i', { class: 'bar', 'aria-hidden': 'true' }),
        element('span', { class: 'text' }),
      ),
    )
    const row = element('tr', { 'data-key': key }, ...cells)
    this.#rows.set(key, row)
    return row
  }
}
