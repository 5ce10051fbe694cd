// Draws the continuum: who has each slice of it now, what was taken over from nodes that are down, and where the last keys
// fell. Knows pictures as the server describes them.
import type { RingPicture } from '../ring-picture.ts'
import type { SeenKey } from '../traffic-watch.ts'
import { svgElement } from './dom.ts'

const OUTER = 132
const INNER = 106
/** Of the band of what was taken over. */
const HOME_OUTER = 102
const HOME_INNER = 92
const KEYS_AT = 144
const MARK = 5
const NOBODY = 'nobody'

export class Ring {
  readonly #svg: SVGSVGElement
  readonly #arcs = svgElement('g')
  readonly #keys = svgElement('g')
  readonly #ratio = svgElement('text', { class: 'ratio', y: 2 })
  readonly #drawnKeys = new Map<number, SVGElement>()
  #drawn = ''

  constructor(svg: SVGSVGElement) {
    this.#svg = svg
    const caption = svgElement('text', { class: 'caption', y: 24 }, 'hits, last 10 s')
    svg.append(this.#arcs, this.#keys, this.#ratio, caption)
  }

  show(ring: RingPicture, keys: readonly SeenKey[], hitRatio: number | undefined): void {
    this.#showArcs(ring)
    this.#showKeys(keys, ring.nodes)
    this.#ratio.textContent = hitRatio === undefined ? '–' : percent(hitRatio)
  }

  /** A path for each node: hundreds of elements would be as many to lay out. */
  #showArcs({ nodes, runs, slices }: RingPicture): void {
    const drawn = JSON.stringify(runs)
    if (drawn === this.#drawn) return
    this.#drawn = drawn
    const paths = new Map<string, string>()
    const add = (className: string, path: string): void => {
      paths.set(className, (paths.get(className) ?? '') + path)
    }
    let at = 0
    for (const [now, home, length] of runs) {
      const [from, to] = [at / slices, (at + length) / slices]
      add(classOf(nodes[now]), sector(from, to, INNER, OUTER))
      if (now !== home)
        add(`taken ${classOf(nodes[home])}`, sector(from, to, HOME_INNER, HOME_OUTER))
      at += length
    }
    this.#arcs.replaceChildren(
      ...Array.from(paths, ([className, d]) => svgElement('path', { class: className, d })),
    )
    this.#svg.setAttribute('aria-label', `The continuum: ${described({ nodes, runs, slices })}`)
  }

  #showKeys(keys: readonly SeenKey[], nodes: readonly string[]): void {
    const present = new Set<number>()
    keys.forEach(({ number, position, outcome, node, key }, i) => {
      if (outcome !== 'hit' && outcome !== 'miss') return
      present.add(number)
      let mark = this.#drawnKeys.get(number)
      if (mark === undefined) {
        const [x, y] = pointAt(position, KEYS_AT)
        const known = node !== undefined && nodes.includes(node)
        mark = svgElement('circle', {
          class: `${outcome} ${known ? classOf(node) : NOBODY} fresh`,
          cx: x.toFixed(1),
          cy: y.toFixed(1),
          r: MARK,
        })
        mark.append(svgElement('title', {}, `${key}: ${outcome}`))
        this.#drawnKeys.set(number, mark)
        this.#keys.append(mark)
      }
      mark.setAttribute('opacity', (0.25 + (0.75 * (i + 1)) / keys.length).toFixed(2))
    })
    for (const [number, mark] of this.#drawnKeys) {
      if (present.has(number)) continue
      mark.remove()
      this.#drawnKeys.delete(number)
    }
  }
}

/** Its colour is that of the class. */
export function classOf(node: string | undefined): string {
  return node === undefined ? NOBODY : `node-${/\d+$/.exec(node)?.[0] ?? 0}`
}

function described({ nodes, runs, slices }: RingPicture): string {
  const counts = nodes.map((_, i) =>
    runs.reduce((sum, [now, , length]) => sum + (now === i ? length : 0), 0),
  )
  return nodes.map((node, i) => `${node} has ${percent(counts[i]! / slices)}`).join(', ')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`
}

function sector(from: number, to: number, inner: number, outer: number): string {
  const large = to - from > 0.5 ? 1 : 0
  const end = to - from >= 1 ? to - 1e-5 : to
  const at = (position: number, radius: number): string =>
    pointAt(position, radius)
      .map((value) => value.toFixed(2))
      .join(' ')
  return `M${at(from, outer)}A${outer} ${outer} 0 ${large} 1 ${at(end, outer)}L${at(end, inner)}A${inner} ${inner} 0 ${large} 0 ${at(from, inner)}z`
}

/** 0 is at the top; clockwise. */
function pointAt(position: number, radius: number): readonly [number, number] {
  const turn = position * 2 * Math.PI
  return [Math.sin(turn) * radius, -Math.cos(turn) * radius]
}
