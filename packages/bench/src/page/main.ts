// The script of an HTML report: draws each plot into its place, anew when the place gets wider or narrower or
// a run is chosen or left out. Knows nothing of what the plots show.
import { DATA_ID, type PageData, type PlotName } from '../report/page-data.ts'
import { CHARTS } from './charts.ts'
import { drawLineChart } from './line-chart.ts'

const places = [...document.querySelectorAll<HTMLElement>('[data-plot]')]
const choices = [...document.querySelectorAll<HTMLInputElement>('[data-run]')]
const { runs } = JSON.parse(document.getElementById(DATA_ID)?.textContent ?? '') as PageData

const announcer = document.createElement('p')
announcer.className = 'hidden'
announcer.setAttribute('aria-live', 'polite')
document.body.append(announcer)

function draw(place: HTMLElement): void {
  const name = place.dataset.plot as PlotName
  const shown = runs.map((_, index) => choices[index]?.checked ?? true)
  const chart = CHARTS[name](runs, shown)
  if (chart === undefined) {
    place.replaceChildren('There is nothing to draw.')
    return
  }
  place.replaceChildren(
    drawLineChart(chart, place.clientWidth, (text) => {
      announcer.textContent = text
    }),
  )
}

const widths = new Map<Element, number>()
const observer = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    if (widths.get(target) === target.clientWidth) continue
    widths.set(target, target.clientWidth)
    draw(target as HTMLElement)
  }
})
for (const place of places) observer.observe(place)

for (const choice of choices) choice.addEventListener('change', () => places.forEach(draw))
const legend = document.querySelector<HTMLElement>('.legend')
if (legend) legend.hidden = false
