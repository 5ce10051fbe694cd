// What every picture of a report needs around Observable Plot's drawing: a document without a browser, a
// title, a legend, and text that is read on a light page and on a dark one. Knows no report.
import type * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

export type PlotDocument = ReturnType<typeof parseHTML>['document']
type PlotElement = ReturnType<PlotDocument['createElementNS']>

export interface LegendEntry {
  readonly text: string
  readonly color: string
  readonly mark: { readonly width: number; readonly height: number }
}

export const SQUARE = { width: 14, height: 14 }

interface Frame {
  /** For those who don't see it. */
  readonly title: string
  readonly legend: readonly LegendEntry[]
  /** Where the legend begins, and how far its entries are apart. */
  readonly left: number
  readonly step: number
}

const SVG = 'http://www.w3.org/2000/svg'
const LEGEND_Y = 22
const LIGHT_TEXT = '#24292f'
const DARK_TEXT = '#d0d7de'

export function plotDocument(): PlotDocument {
  return parseHTML('<!doctype html><html><body></body></html>').document
}

/** An SVG document, of the element that Plot made in `document`. */
export function standalone(
  svg: ReturnType<typeof Plot.plot>,
  document: PlotDocument,
  { title, legend, left, step }: Frame,
): string {
  const element = (name: string, attributes: Record<string, string>, text = ''): PlotElement => {
    const made = document.createElementNS(SVG, name)
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
    made.textContent = text
    return made
  }
  svg.prepend(element('title', {}, title))
  svg.append(
    element(
      'style',
      {},
      `svg { color: ${LIGHT_TEXT} } @media (prefers-color-scheme: dark) { svg { color: ${DARK_TEXT} } }`,
    ),
    ...legend.flatMap(({ text, color, mark: { width, height } }, place) => {
      const x = String(left + place * step)
      const y = String(LEGEND_Y - 4 - height / 2)
      return [
        element('rect', { x, y, width: String(width), height: String(height), fill: color }),
        element('text', { x, dx: '22', y: String(LEGEND_Y), 'text-anchor': 'start' }, text),
      ]
    }),
  )
  svg.setAttribute('xmlns', SVG)
  return `${svg.outerHTML}\n`
}
