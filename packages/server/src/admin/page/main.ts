// The page: asks each second, and shows what there is. Knows every part of the page and which key does what.
import type { Identity, NodeState } from '../page-data.ts'
import { CHARTS } from './chart-list.ts'
import { classTable } from './class-table.ts'
import { CommandTable } from './command-table.ts'
import { Cursor } from './cursor.ts'
import { openHelp, openInvalidate, openToken, prepareDialogs } from './dialogs.ts'
import { byId, element, setText } from './dom.ts'
import { bytes, count, duration, exact } from './format.ts'
import { FormationTable } from './formation-table.ts'
import { History, statisticOf } from './history.ts'
import { KeyLists } from './key-lists.ts'
import { goTo, listen } from './keyboard.ts'
import { limitTable } from './limit-table.ts'
import { MemoryPicture } from './memory-picture.ts'
import { formationState, keyState, nodeState, Refusal } from './server.ts'
import { restoreTheme, toggleTheme } from './theme.ts'
import { TimeChart } from './time-chart.ts'

const ASK_MS = 1_000
/** Rankings change slowly. */
const ASK_KEYS_EVERY = 3
/** Points of a curve, at most: as many as there are pixels to tell apart. */
const POINTS = 240
const RANGES = [
  { seconds: 60, label: '1 min' },
  { seconds: 300, label: '5 min' },
  { seconds: 900, label: '15 min' },
  { seconds: 3_600, label: '1 h' },
]

restoreTheme()

const history = new History()
const cursor = new Cursor((text) => setText(byId('announcer'), text))
const charts = CHARTS.map((chart) => new TimeChart(chart, cursor))
byId('charts').append(...charts.map((chart) => chart.element))
const commands = new CommandTable()
byId('command-table').append(commands.element)
const classes = classTable()
const picture = new MemoryPicture((id) => classes.mark(id === undefined ? undefined : `${id}`))
byId('memory-picture').append(picture.element)
byId('class-table').append(classes.element)
classes.element.addEventListener('pointerover', ({ target }) => {
  const row = target instanceof Element ? target.closest<HTMLElement>('tbody tr') : null
  picture.select(row === null ? undefined : Number(row.dataset.key))
})
classes.element.addEventListener('pointerleave', () => picture.select(undefined))
const limits = limitTable()
byId('limit-table').append(limits.element)
const keys = new KeyLists(openToken)
let formation: FormationTable | undefined

let range = 300
let paused = false
let last: NodeState | undefined
let lastHeard = Date.now()
let asked = 0

// ---- what is shown

function drawCharts(): void {
  const samples = history.window(range, POINTS)
  for (const chart of charts) chart.draw(samples)
}

function show(state: NodeState): void {
  last = state
  history.add(state.samples)
  showIdentity(state.identity)
  commands.show(state.commands)
  byId('commands').hidden = state.commands.length === 0
  setText(
    byId('commands-about'),
    state.lock === undefined
      ? ''
      : `The cache's lock was taken ${count(state.lock.acquired)} times, ${count(state.lock.contended)} of them after a wait: ${duration(state.lock.waitMicroseconds / 1e6)} in all.`,
  )
  setText(byId('commands-window'), `last ${duration(state.commandSeconds)}`)
  picture.draw(state.memory)
  classes.show(state.memory.classes)
  byId('class-table').hidden = state.memory.classes.length === 0
  limits.show(state.limitedPrefixes)
  byId('limit-table').hidden = state.limitedPrefixes.length === 0
  setText(byId('memory-about'), memorySummary(state))
  byId('invalidate-open').hidden = !state.identity.actions
  drawCharts()
}

function memorySummary({ memory, samples }: NodeState): string {
  const now = samples.at(-1) ?? history.latest
  const pages = memory.classes.reduce((sum, slab) => sum + slab.pages, memory.poolPages)
  const moved = memory.moves.reduce((sum, move) => sum + move.pages, 0)
  return [
    `${bytes(statisticOf(now, 'bytes'))} in ${count(statisticOf(now, 'curr_items'))} items, of ${bytes(memory.limitBytes)}`,
    `${exact(pages)} pages in ${memory.classes.length} classes`,
    moved === 0 ? '' : `${exact(moved)} pages moved`,
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

function showIdentity(identity: Identity): void {
  const [address = ''] = identity.addresses
  setText(byId('name'), address)
  if (document.title !== `${address} · memshard`) document.title = `${address} · memshard`
  const uptime = duration(statisticOf(history.latest, 'uptime'))
  setText(
    byId('about'),
    [
      `memshard ${identity.version}`,
      `memcached ${identity.memcachedVersion}`,
      `${identity.transport}, ${identity.threads} ${identity.threads === 1 ? 'thread' : 'threads'}`,
      `pid ${identity.pid}`,
      `up ${uptime}`,
    ].join(' · '),
  )
  byId('formation').hidden = !identity.formation
  byId('to-formation').hidden = !identity.formation
  if (identity.formation) formation ??= new FormationTable()
}

/** In a word: is this now? */
function showLiveness(trouble: string | undefined): void {
  const place = byId('liveness')
  const state = last?.identity.state
  const word =
    trouble ?? (paused ? 'paused' : state === undefined || state === 'serving' ? 'live' : state)
  place.className = trouble !== undefined ? 'down' : word === 'live' ? 'live' : 'waiting'
  setText(place, word)
}

// ---- asking

async function ask(): Promise<void> {
  if (paused || document.hidden) return
  try {
    show(await nodeState(history.latestAt))
    lastHeard = Date.now()
    showLiveness(undefined)
    await Promise.all([
      asked++ % ASK_KEYS_EVERY === 0 ? askKeys() : undefined,
      last?.identity.formation ? formationState().then((told) => formation?.show(told)) : undefined,
    ])
  } catch {
    showLiveness(`no answer for ${duration((Date.now() - lastHeard) / 1000)}`)
  }
}

async function askKeys(): Promise<void> {
  try {
    keys.show(await keyState())
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    keys.show({ shown: false, reason: error.message, token: error.status === 401 })
  }
}

/** The next when this one was answered: a slow server is asked less. */
async function askForEver(): Promise<void> {
  for (;;) {
    const begun = Date.now()
    await ask()
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(100, ASK_MS - (Date.now() - begun))),
    )
  }
}

// ---- what the reader does

function choose(seconds: number): void {
  range = seconds
  for (const button of document.querySelectorAll<HTMLElement>('[data-range]')) {
    button.setAttribute('aria-pressed', String(Number(button.dataset.range) === range))
  }
  drawCharts()
}

function pause(): void {
  paused = !paused
  byId('pause').setAttribute('aria-pressed', String(paused))
  showLiveness(undefined)
  setText(byId('announcer'), paused ? 'paused' : 'live')
  if (!paused) void ask()
}

function changeTheme(): void {
  setText(byId('announcer'), `${toggleTheme()} colours`)
}

const step = (by: number): void => {
  const next = RANGES[RANGES.findIndex(({ seconds }) => seconds === range) + by]
  if (next !== undefined) choose(next.seconds)
}

for (const { seconds, label } of RANGES) {
  const button = element('button', { type: 'button', 'data-range': seconds }, label)
  button.addEventListener('click', () => choose(seconds))
  byId('ranges').append(button)
}
choose(range)
byId('pause').addEventListener('click', pause)
byId('theme').addEventListener('click', changeTheme)
byId('help-open').addEventListener('click', openHelp)
byId('invalidate-open').addEventListener('click', openInvalidate)
prepareDialogs(() => void askKeys())

const section = (id: string) => (): void => goTo(byId(id))
listen({
  '?': openHelp,
  t: changeTheme,
  p: pause,
  '[': () => step(-1),
  ']': () => step(1),
  o: section('overview'),
  c: section('commands'),
  m: section('memory'),
  k: section('keys'),
  f: section('formation'),
  '/': () => byId('key-filter').focus(),
  i: () => {
    if (!byId('invalidate-open').hidden) openInvalidate()
  },
})

const resized = new ResizeObserver(() => {
  drawCharts()
  if (last !== undefined) picture.draw(last.memory)
})
resized.observe(byId('charts'))
document.addEventListener('visibilitychange', () => void ask())

void askForEver()
