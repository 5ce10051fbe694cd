// The fragments of pages: what the origin answers, as markup. Each is cached by itself, and found on several pages. Knows the
// origin's answers; no cache.
import type { Stored } from './cached-parts.ts'
import { type Html, html } from './html.ts'
import type { Ask, Estimate, PlantEstimate, Question } from './orders.ts'
import type { Origin, Told } from './origin.ts'
import { PLANTS, type Plant } from './plants.ts'

export interface Fragment {
  /** On its page. */
  readonly name: string
  readonly key: string
  readonly make: () => Promise<Stored>
}

export const MONTHS =
  'January,February,March,April,May,June,July,August,September,October,November,December'.split(',')
const CARDS = 4
const COMPANIONS = 4
const RATED = 5

export function homeFragments(origin: Origin, month: number): readonly Fragment[] {
  const next = (month % MONTHS.length) + 1
  const monthly = (name: string, of: number, title: string): Fragment =>
    fragment(origin, name, `popular:${of}`, 'popular', { month: of }, (answer) => {
      const cards = answer.slice(0, CARDS).map((one) => card(one, (n) => `${n} orders`))
      return html`<h2>${title} ${MONTHS[of - 1]}</h2><ul class="cards">${cards}</ul>`
    })
  return [
    monthly('most ordered', month, 'Most ordered in'),
    fragment(origin, 'best rated', 'rated', 'rated', {}, (answer) => {
      const rows = answer.slice(0, RATED).map((one) => {
        const { name, slug } = PLANTS[one.plant]!
        return bar(html`<a href="/plants/${slug}">${name}</a>`, one.value / 5, one, 2)
      })
      return html`<h2>Best rated by those who grow it</h2><ol class="bars">${rows}</ol>`
    }),
    monthly('next month', next, 'To plant for'),
  ]
}

export function plantFragments(origin: Origin, plant: Plant): readonly Fragment[] {
  const { id, slug, name } = plant
  return [
    fragment(origin, 'goes with', `together:${slug}`, 'together', { plant: id }, (answer) => {
      const often = (n: string): string => `${n} × as often as by chance`
      const cards = answer.slice(0, COMPANIONS).map((one) => card(one, often, 2))
      return html`<h2>Ordered together with it</h2><ul class="cards">${cards}</ul>`
    }),
    fragment(origin, 'ratings', `ratings:${slug}`, 'ratings', { plant: id }, (answer) => {
      const rows = answer.map((one, star) =>
        bar(`${star + 1} ${star === 0 ? 'star' : 'stars'}`, one.value, percent(one), 1, ' %'),
      )
      return html`<h2>What growers say of ${name}</h2><ol class="bars">${rows.toReversed()}</ol>`
    }),
    fragment(origin, 'calendar', `calendar:${slug}`, 'calendar', { plant: id }, (answer) => {
      return html`<h2>When it is ordered</h2>${columns(answer, plant)}`
    }),
  ]
}

function fragment<Q extends Question>(
  origin: Origin,
  name: string,
  key: string,
  question: Q,
  ask: Ask<Q>,
  draw: (answer: Told<Q>['answer']) => Html,
): Fragment {
  return {
    name,
    key: `fragment:${key}`,
    async make() {
      const { answer, ms } = await origin.ask(question, ask)
      return { html: draw(answer).markup, originMs: ms }
    },
  }
}

function card(one: PlantEstimate, say: (value: string) => string, digits = 0): Html {
  const { slug, name, latin, cents } = PLANTS[one.plant]!
  return html`<li><a class="card" href="/plants/${slug}"><img src="/pictures/${slug}.svg" alt="" width="320" height="240" loading="lazy"><b>${name}</b><i>${latin}</i><span class="price">${price(cents)}</span><small>${say(plusMinus(one, digits))}</small></a></li>`
}

function bar(name: Html | string, share: number, one: Estimate, digits: number, unit = ''): Html {
  return html`<li><span class="name">${name}</span><svg class="track" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="8" class="rest"/><rect width="${(share * 100).toFixed(2)}" height="8" class="done"/></svg><span class="figure">${plusMinus(one, digits)}${unit}</span></li>`
}

const COLUMN = 24
const COLUMNS_HEIGHT = 96

function columns(counts: readonly Estimate[], { from, to }: Plant): Html {
  const most = Math.max(...counts.map(({ value }) => value))
  const drawn = counts.map(({ value, error }, i) => {
    const height = (value / most) * COLUMNS_HEIGHT
    const flowers = from <= i + 1 && i + 1 <= to
    const month = MONTHS[i]!
    return html`<g><title>${month}: ${plusMinus({ value, error }, 0)} orders${flowers ? ', in flower' : ''}</title><rect x="${i * COLUMN + 2}" y="${(COLUMNS_HEIGHT + 4 - height).toFixed(1)}" width="${COLUMN - 4}" height="${height.toFixed(1)}" rx="3" class="${flowers ? 'flower' : 'done'}"/><text x="${i * COLUMN + COLUMN / 2}" y="${COLUMNS_HEIGHT + 18}">${month[0]}</text></g>`
  })
  const width = COLUMN * counts.length
  return html`<svg class="columns" viewBox="0 0 ${width} ${COLUMNS_HEIGHT + 22}" role="img" aria-label="Orders by month, most in ${MONTHS[counts.findIndex(({ value }) => value === most)]}">${drawn}</svg><p class="muted">Orders by month; in colour, when it flowers.</p>`
}

export function price(cents: number): string {
  return `€ ${(cents / 100).toFixed(2)}`
}

function percent({ value, error }: Estimate): Estimate {
  return { value: value * 100, error: error * 100 }
}

function plusMinus({ value, error }: Estimate, digits: number): string {
  return `${format(value, digits)} ± ${format(error, digits)}`
}

function format(value: number, digits: number): string {
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}
