// Draws the memory: a column for each slab class, and tells of the one that the reader points at. Knows how it looks;
// where what lies is memory-layout.ts's.
import type { Memory } from '../page-data.ts'
import { element, setText, svgElement } from './dom.ts'
import { bytes, count, percent } from './format.ts'
import { type ClassColumn, layOut, type MemoryLayout } from './memory-layout.ts'

const HEIGHT = 190
const LABEL_HEIGHT = 18
/** A column that is narrower has no label. */
const LABEL_ROOM = 28

export class MemoryPicture {
  readonly element: HTMLElement
  readonly #place = element('div', {
    class: 'memory-drawing',
    tabindex: 0,
    role: 'img',
    'aria-label': 'Memory by slab class',
  })
  readonly #legend = element('ul', { class: 'legend memory-legend' })
  readonly #tip = element('p', { class: 'memory-tip', 'aria-live': 'polite' })
  readonly #chosen: (slabClass: number | undefined) => void
  #layout: MemoryLayout | undefined
  #selected: number | undefined

  /** `chosen` is told which class is pointed at. */
  constructor(chosen: (slabClass: number | undefined) => void) {
    this.#chosen = chosen
    this.element = element('div', { class: 'memory' }, this.#legend, this.#place, this.#tip)
    this.#place.addEventListener('pointermove', ({ clientX }) => {
      const { left, width } = this.#place.getBoundingClientRect()
      const at = (clientX - left) / width
      this.select(this.#layout?.columns.find(({ x, width }) => at >= x && at < x + width)?.slab.id)
    })
    this.#place.addEventListener('pointerleave', () => this.select(undefined))
    this.#place.addEventListener('blur', () => this.select(undefined))
    this.#place.addEventListener('keydown', (event) => {
      const ids = this.#layout?.columns.map(({ slab }) => slab.id) ?? []
      const at = ids.indexOf(this.#selected ?? -1)
      const to: Readonly<Record<string, number | undefined>> = {
        ArrowRight: ids[Math.min(ids.length - 1, at + 1)],
        ArrowLeft: ids[at < 0 ? ids.length - 1 : Math.max(0, at - 1)],
        Home: ids[0],
        End: ids.at(-1),
      }
      const next = to[event.key]
      if (event.key === 'Escape') this.select(undefined)
      else if (next !== undefined) {
        event.preventDefault()
        this.select(next)
      }
    })
  }

  draw(memory: Memory): void {
    const layout = layOut(memory)
    this.#layout = layout
    const width = Math.max(200, this.#place.clientWidth)
    const svg = svgElement('svg', {
      viewBox: `0 0 ${width} ${HEIGHT + LABEL_HEIGHT}`,
      width,
      height: HEIGHT + LABEL_HEIGHT,
      'aria-hidden': 'true',
    })
    svg.append(hatching())
    for (const column of layout.columns) svg.append(drawColumn(column, width))
    svg.append(band('pool', layout.pool, width), band('unused', layout.unused, width))
    this.#place.replaceChildren(svg)
    this.#place.setAttribute('aria-label', described(layout))
    this.#tellLegend(layout)
    this.#mark()
  }

  select(slabClass: number | undefined): void {
    if (slabClass === this.#selected) return
    this.#selected = slabClass
    this.#mark()
    this.#chosen(slabClass)
  }

  #mark(): void {
    for (const column of this.#place.querySelectorAll('.column')) {
      column.classList.toggle('selected', column.getAttribute('data-class') === `${this.#selected}`)
    }
    const column = this.#layout?.columns.find(({ slab }) => slab.id === this.#selected)
    setText(this.#tip, column === undefined ? HINT : told(column))
  }

  #tellLegend(layout: MemoryLayout): void {
    const rows = [
      ['requested', 'items', layout.requestedBytes],
      ['lost', 'lost in chunks that are larger', layout.lostBytes],
      ['free', 'free chunks', layout.freeBytes],
      ['pool', 'pages in the pool', layout.poolBytes],
      ['unused', 'not taken yet', layout.unusedBytes],
    ] as const
    this.#legend.replaceChildren(
      ...rows.map(([part, label, size]) =>
        element(
          'li',
          {},
          element('i', { class: `swatch part-${part}`, 'aria-hidden': 'true' }),
          `${label} `,
          element('span', { class: 'value' }, bytes(size)),
          element('span', { class: 'muted' }, ` ${percent(size / layout.totalBytes)}`),
        ),
      ),
    )
  }
}

const HINT =
  'Each column is a slab class, as wide as it has pages. Point at one, or use the arrow keys.'

function told({ slab, requested, lost, free }: ClassColumn): string {
  return [
    `Class ${slab.id}: chunks of ${bytes(slab.chunkBytes)}`,
    `${count(slab.pages)} ${slab.pages === 1 ? 'page' : 'pages'}`,
    `${count(slab.items)} items`,
    `${percent(requested)} items, ${percent(lost)} lost, ${percent(free)} free`,
  ].join(' · ')
}

function described(layout: MemoryLayout): string {
  const { columns, totalBytes, requestedBytes, lostBytes, freeBytes } = layout
  return `Memory by slab class: ${bytes(totalBytes)} in all, ${bytes(requestedBytes)} in items, ${bytes(lostBytes)} lost in chunks, ${bytes(freeBytes)} in free chunks, in ${columns.length} classes. Arrow keys go from class to class.`
}

function drawColumn(column: ClassColumn, total: number): SVGGElement {
  const { slab, requested, lost } = column
  const x = column.x * total
  const width = Math.max(1, column.width * total - 1)
  const bar = (part: string, from: number, share: number): SVGRectElement =>
    svgElement('rect', {
      class: `part-${part}`,
      x,
      width,
      y: LABEL_HEIGHT + (1 - from - share) * HEIGHT,
      height: Math.max(0, share * HEIGHT),
    })
  const label =
    width >= LABEL_ROOM &&
    svgElement('text', { x: x + width / 2, y: LABEL_HEIGHT - 6 }, shortBytes(slab.chunkBytes))
  return svgElement(
    'g',
    { class: 'column', 'data-class': slab.id },
    bar('free', 0, 1),
    bar('requested', 0, requested),
    bar('lost', requested, lost),
    label,
    svgElement('rect', { class: 'outline', x, width, y: LABEL_HEIGHT, height: HEIGHT }),
  )
}

/** `96`, `1.2k`: there is room for little. */
function shortBytes(size: number): string {
  return size < 1000 ? `${size}` : `${Number((size / 1024).toFixed(size < 10_240 ? 1 : 0))}k`
}

function band(
  part: 'pool' | 'unused',
  { x, width }: { readonly x: number; readonly width: number },
  total: number,
): SVGRectElement {
  return svgElement('rect', {
    class: `part-${part}`,
    x: x * total,
    width: Math.max(0, width * total - 1),
    y: LABEL_HEIGHT,
    height: HEIGHT,
  })
}

/** What is lost is hatched, so that it differs by more than its colour. */
function hatching(): SVGDefsElement {
  const line = svgElement('path', { class: 'hatch', d: 'M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2' })
  const ground = svgElement('rect', { class: 'hatch-ground', width: 6, height: 6 })
  const pattern = svgElement(
    'pattern',
    { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse' },
    ground,
    line,
  )
  return svgElement('defs', {}, pattern)
}
