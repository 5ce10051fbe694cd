// Makes the pictures of the ring in docs/: whose is each key, and what moves when a node goes. Asks the client, as an application could; knows
// nothing else of how keys are placed. `node test/dist/documentation/ring-pictures.js [folder]`.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@memshard/client'
import { REPOSITORY } from '../repository.ts'

const KEYS = 20_000
const SIZE = 300
const MIDDLE = SIZE / 2
const OUTER = 128
const INNER = 84
const COLOURS: Readonly<Record<string, string>> = {
  'cache-0': '#3b7dd8',
  'cache-1': '#e0813a',
  'cache-2': '#3aa374',
}
const NAMES = Object.keys(COLOURS)
/** Readable on white and on black. */
const STYLE =
  'text{font:13px system-ui,sans-serif;fill:#57606a}.b{font-weight:600}.m{font-size:12px}' +
  '@media(prefers-color-scheme:dark){text{fill:#b6bec8}}'

interface Arc {
  readonly from: number
  readonly to: number
  readonly owner: string
}

const keys = Array.from({ length: KEYS }, (_, i) => `user:${i}`)

async function ownersBy(names: readonly string[], compat?: 'memjs'): Promise<readonly string[]> {
  await using client = new Client({ nodes: names, ...(compat && { compat }) })
  return keys.map((key) => client.locate(key)!.name)
}

/** Where the default ring has a key: its MD5's first four bytes, of 2^32. */
function place(key: string): number {
  return createHash('md5').update(key).digest().readUInt32LE(0) / 2 ** 32
}

/** Neighbours on the ring with one owner, joined. */
function arcsOf(owners: readonly string[]): readonly Arc[] {
  const placed = keys
    .map((key, i) => ({ at: place(key), owner: owners[i]! }))
    .sort((a, b) => a.at - b.at)
  const arcs: Arc[] = []
  let from = 0
  placed.forEach(({ at, owner }, i) => {
    const next = placed[i + 1]
    if (next?.owner === owner) return
    const to = next === undefined ? 1 : (at + next.at) / 2
    arcs.push({ from, to, owner })
    from = to
  })
  return arcs
}

function point(turn: number, radius: number): string {
  const angle = 2 * Math.PI * turn - Math.PI / 2
  const coordinate = (middle: number) => (MIDDLE + radius * middle).toFixed(1)
  return `${coordinate(Math.cos(angle))} ${coordinate(Math.sin(angle))}`
}

function drawn(arcs: readonly Arc[], outer: number, inner: number, opacity = 1): string {
  return NAMES.map((name) => {
    const path = arcs
      .filter(({ owner }) => owner === name)
      .map(({ from, to }) => {
        const large = to - from > 0.5 ? 1 : 0
        const there = `M${point(from, outer)}A${outer} ${outer} 0 ${large} 1 ${point(to, outer)}`
        return `${there}L${point(to, inner)}A${inner} ${inner} 0 ${large} 0 ${point(from, inner)}Z`
      })
    return `<path fill="${COLOURS[name]}" opacity="${opacity}" d="${path.join('')}"/>`
  }).join('')
}

function words(y: number, text: string, kind = ''): string {
  return `<text x="${MIDDLE}" y="${y}" text-anchor="middle" class="${kind}">${text}</text>`
}

function share(owners: readonly string[], name: string): string {
  const part = owners.filter((owner) => owner === name).length / owners.length
  return `${(100 * part).toFixed(0)} %`
}

function legend(owners: readonly string[], names: readonly string[]): string {
  return names
    .map((name, i) => {
      const y = MIDDLE - 16 + 22 * i
      return (
        `<rect x="${MIDDLE - 52}" y="${y - 10}" width="11" height="11" rx="2" fill="${COLOURS[name]}"/>` +
        `<text x="${MIDDLE - 35}" y="${y}">${name}</text>` +
        `<text x="${MIDDLE + 55}" y="${y}" text-anchor="end" class="b">${share(owners, name)}</text>`
      )
    })
    .join('')
}

function picture(title: string, ...parts: readonly string[]): string {
  const width = SIZE * parts.length
  const placed = parts.map((part, i) => `<g transform="translate(${SIZE * i} 0)">${part}</g>`)
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${SIZE + 40}" width="${width}" role="img">` +
    `<title>${title}</title><style>${STYLE}</style>${placed.join('')}</svg>\n`
  )
}

const moved = (before: readonly string[], after: readonly string[]) =>
  `${((100 * before.filter((owner, i) => owner !== after[i]).length) / KEYS).toFixed(0)} %`

const three = await ownersBy(NAMES)
const left = NAMES.filter((name) => name !== 'cache-1')
const two = await ownersBy(left)
const modulo = await ownersBy(NAMES, 'memjs')
const moduloLeft = await ownersBy(left, 'memjs')

const arcs = arcsOf(three)
const heirs = arcsOf(three.map((owner, i) => (owner === 'cache-1' ? two[i]! : '')))
const folder = process.argv[2] ?? join(REPOSITORY, 'docs')

writeFileSync(
  join(folder, 'ring.svg'),
  picture(
    'The ring: whose each key is, and what becomes of a dead node’s share',
    drawn(arcs, OUTER, INNER) +
      legend(three, NAMES) +
      words(SIZE + 14, 'three nodes, 160 points each', 'b') +
      words(SIZE + 32, 'a key belongs to the next point', 'm'),
    drawn(arcsOf(two), OUTER, INNER, 0.22) +
      drawn(heirs, OUTER, INNER) +
      legend(two, left) +
      words(SIZE + 14, 'cache-1 is gone', 'b') +
      words(SIZE + 32, `${moved(three, two)} of the keys move: its own`, 'm'),
    bars(),
  ),
)

/** The same change under `hash % nodes`. */
function bars(): string {
  const rows = [
    ['ring', moved(three, two)],
    ['hash % nodes', moved(modulo, moduloLeft)],
  ] as const
  const drawnRows = rows.map(([name, part], i) => {
    const y = 92 + 74 * i
    return (
      `<text x="30" y="${y}">${name}</text><text x="270" y="${y}" text-anchor="end" class="b">${part}</text>` +
      `<rect x="30" y="${y + 10}" width="240" height="14" rx="3" fill="#8886" />` +
      `<rect x="30" y="${y + 10}" width="${2.4 * Number.parseInt(part, 10)}" height="14" rx="3" fill="#c0453d"/>`
    )
  })
  return (
    drawnRows.join('') +
    words(SIZE + 14, 'keys that are missed', 'b') +
    words(SIZE + 32, 'when one node of three goes', 'm')
  )
}
