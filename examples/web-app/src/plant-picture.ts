// Draws a plant, the same in every run: stems, leaves, and flowers in its form and colour. Knows SVG and plants.
import { type Html, html } from './html.ts'
import type { Form, Plant } from './plants.ts'
import { randomFrom } from './random.ts'

const WIDTH = 320
const HEIGHT = 240
const GROUND = 240
const TALLEST_CENTIMETRES = 200

type Point = readonly [x: number, y: number]
type Random = () => number

export function pictureOf(plant: Plant): Html {
  const random = randomFrom(plant.id * 7919 + 17)
  const ground = `hsl(${(plant.hue + 40) % 360} 34% 93%)`
  const light = `hsl(${plant.hue} 42% 86%)`
  const stems = plant.form === 'grass' ? 17 : plant.centimetres > 120 ? 5 : 7
  const reach = 96 + (100 * Math.min(plant.centimetres, TALLEST_CENTIMETRES)) / TALLEST_CENTIMETRES
  const drawn = Array.from({ length: stems }, (_, i) => {
    const spread = (i + 0.5) / stems - 0.5
    const foot: Point = [WIDTH / 2 + spread * 70 + (random() - 0.5) * 10, GROUND]
    const height = reach * (0.72 + 0.28 * random()) * (1 - 0.3 * Math.abs(spread))
    const head: Point = [WIDTH / 2 + spread * 250 + (random() - 0.5) * 18, GROUND - height]
    return stemOf(plant, foot, head, random)
  })
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"><rect width="${WIDTH}" height="${HEIGHT}" fill="${ground}"/><circle cx="${78 + Math.round(random() * 160)}" cy="${84 + Math.round(random() * 24)}" r="${58 + Math.round(random() * 16)}" fill="${light}"/>${drawn}</svg>`
}

function stemOf(plant: Plant, foot: Point, head: Point, random: Random): Html {
  const green = `hsl(${100 + random() * 38} ${22 + random() * 14}% ${30 + random() * 12}%)`
  const bend: Point = [foot[0] + (head[0] - foot[0]) * 0.2, foot[1] + (head[1] - foot[1]) * 0.62]
  const grass = plant.form === 'grass'
  const path = `M${at(foot)}Q${at(bend)} ${at(head)}`
  const leaves = grass
    ? []
    : [0.22, 0.36, 0.5].map((along, i) =>
        leaf(pointOn(foot, bend, head, along), i % 2 === 0 ? 1 : -1, green, random),
      )
  return html`<path d="${path}" fill="none" stroke="${green}" stroke-width="${grass ? 1.6 : 2.4}" stroke-linecap="round"/>${leaves}${HEADS[plant.form](head, [foot, bend], plant.hue, random)}`
}

function leaf([x, y]: Point, side: number, green: string, random: Random): Html {
  const length = (20 + random() * 16) * side
  const rise = 10 + random() * 14
  return html`<path d="M${at([x, y])}q${round(length * 0.5)} ${round(-rise)} ${round(length)} ${round(-rise * 0.7)}q${round(-length * 0.35)} ${round(rise)} ${round(-length)} ${round(rise * 0.7)}z" fill="${green}"/>`
}

type Head = (head: Point, stem: readonly [Point, Point], hue: number, random: Random) => Html

const HEADS: Readonly<Record<Form, Head>> = {
  spike: (head, [foot, bend], hue, random) =>
    collect(16, (i) => {
      const [x, y] = pointOn(foot, bend, head, 1 - i * 0.027)
      const size = 2.4 + i * 0.34
      const side = (i % 2 === 0 ? 1 : -1) * size * 0.7
      return ellipse([x + side, y], size, size * 0.8, color(hue, random))
    }),
  daisy: (head, _, hue, random) =>
    html`${collect(13, (i) => {
      const turn = (i * 360) / 13 + random() * 8
      return html`<ellipse cx="${round(head[0])}" cy="${round(head[1] - 11)}" rx="4" ry="11" fill="${color(hue, random)}" transform="rotate(${round(turn)} ${at(head)})"/>`
    })}${ellipse(head, 7.5, 6.5, `hsl(28 48% ${26 + random() * 10}%)`)}`,
  umbel: (head, _, hue, random) =>
    collect(34, () => {
      const x = (random() - 0.5) * 56
      const y = (x * x) / 110 - random() * 9
      return ellipse([head[0] + x, head[1] + y], 2.6 + random() * 1.6, 2.6, color(hue, random))
    }),
  globe: (head, _, hue, random) =>
    html`${ellipse(head, 13, 13, color(hue, random))}${collect(40, (i) => {
      const turn = i * 2.4
      const far = 17 * Math.sqrt((i + 1) / 40)
      const point: Point = [head[0] + Math.cos(turn) * far, head[1] + Math.sin(turn) * far]
      return ellipse(point, 2.2, 2.2, color(hue, random))
    })}`,
  grass: (head, [foot, bend], hue, random) =>
    collect(11, (i) => {
      const [x, y] = pointOn(foot, bend, head, 1 - i * 0.032)
      return html`<path d="M${at([x, y])}q${round((random() - 0.5) * 14)} -7 ${round((random() - 0.5) * 24)} -11" fill="none" stroke="${color(hue, random)}" stroke-width="1.7" stroke-linecap="round"/>`
    }),
  cup: ([x, y], _, hue, random) =>
    html`${collect(3, (i) => {
      const lean = (i - 1) * 9
      return html`<path d="M${at([x, y + 13])}c${round(-14 + lean)} -3 ${round(-15 + lean)} -21 ${round(lean * 1.2)} -29c${round(15 - lean * 0.2)} 8 ${round(14 - lean)} 26 ${round(-lean * 1.2)} 29z" fill="${color(hue, random)}"/>`
    })}`,
}

function color(hue: number, random: Random): string {
  return `hsl(${round(hue + (random() - 0.5) * 16)} ${round(52 + random() * 22)}% ${round(50 + random() * 22)}%)`
}

function ellipse([x, y]: Point, rx: number, ry: number, fill: string): Html {
  return html`<ellipse cx="${round(x)}" cy="${round(y)}" rx="${round(rx)}" ry="${round(ry)}" fill="${fill}"/>`
}

function collect(count: number, draw: (i: number) => Html): Html {
  return html`${Array.from({ length: count }, (_, i) => draw(i))}`
}

/** On the quadratic curve of a stem, 0 at its foot and 1 at its head. */
function pointOn(foot: Point, bend: Point, head: Point, along: number): Point {
  const left = 1 - along
  const on = (axis: 0 | 1): number =>
    left * left * foot[axis] + 2 * left * along * bend[axis] + along * along * head[axis]
  return [on(0), on(1)]
}

function at([x, y]: Point): string {
  return `${round(x)} ${round(y)}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
