// The script of every page: keeps the panel as the server says it is, and presses its buttons without leaving the page. All
// else works without it.
import type { LiveView, ShownNode, ShownState } from '../live-view.ts'
import type { SecondOfTraffic, SeenKey } from '../traffic-watch.ts'
import { showLatency, showReads } from './charts.ts'
import { byId, element, setText } from './dom.ts'
import { classOf, Ring } from './ring.ts'
import { offerThemes } from './theme.ts'

const KEYS_LISTED = 10
const RATIO_SECONDS = 10
const STATE_TEXTS: Readonly<Record<ShownState, string>> = {
  up: 'up',
  returning: 'up, about to be used',
  starting: 'starts',
  down: 'down',
}

const ring = new Ring(byId<SVGSVGElement>('ring'))
const states = new Map<string, ShownState>()
let latestKey = 0

function show({ nodes, keys, seconds, visitors, story, ring: picture }: LiveView): void {
  const recent = seconds.slice(-RATIO_SECONDS)
  const hits = recent.reduce((sum, second) => sum + second.hits, 0)
  const misses = recent.reduce((sum, second) => sum + second.misses, 0)
  ring.show(picture, keys, hits + misses > 0 ? hits / (hits + misses) : undefined)
  for (const node of nodes) showNode(node)
  setText(byId('story'), story)
  showVisitors(visitors)
  showReads(byId<SVGSVGElement>('reads'), seconds)
  showLatency(byId<SVGSVGElement>('latency'), seconds)
  showNow(seconds.at(-1))
  showKeys(keys)
}

function showNode({ name, port, state, share, hits, misses }: ShownNode): void {
  const row = document.querySelector<HTMLTableRowElement>(`#nodes tr[data-node="${name}"]`)
  if (row === null) return
  row.className = state
  row.dataset.state = state
  setText(row.querySelector('.state'), STATE_TEXTS[state])
  setText(row.querySelector('.share'), `${(share * 100).toFixed(1)} %`)
  setText(row.querySelector('.hits'), hits.toLocaleString('en'))
  setText(row.querySelector('.misses'), misses.toLocaleString('en'))
  const verb = state === 'down' ? 'revive' : 'kill'
  const form = row.querySelector('form')
  const button = row.querySelector('button')
  if (form !== null && button !== null) {
    form.action = form.action.replace(/\w+$/, verb)
    button.className = verb
    setText(button.firstChild, verb === 'kill' ? 'Kill' : 'Revive')
    // Not disabled: that would take the focus from it.
    button.setAttribute('aria-disabled', `${state === 'starting'}`)
  }
  const before = states.get(name)
  states.set(name, state)
  if (before !== undefined && before !== state) {
    setText(byId('announcer'), `${name} on port ${port} is ${STATE_TEXTS[state]}`)
  }
}

function showVisitors(here: boolean): void {
  const form = byId<HTMLFormElement>('visitors')
  form.querySelector('button')?.setAttribute('aria-pressed', `${here}`)
  const field = form.querySelector('input')
  if (field !== null) field.value = here ? 'no' : 'yes'
}

function showNow(second: SecondOfTraffic | undefined): void {
  if (second === undefined) return
  const { hits, misses, median, p99 } = second
  setText(byId('hits-now'), `${hits} hit`)
  setText(byId('misses-now'), `${misses} missed`)
  setText(byId('median-now'), `median ${figure(median)}`)
  setText(byId('p99-now'), `p99 ${figure(p99)}`)
}

function figure(ms: number | undefined): string {
  if (ms === undefined) return '–'
  return `${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms`
}

function showKeys(keys: readonly SeenKey[]): void {
  const latest = keys.at(-1)?.number ?? 0
  if (latest === latestKey) return
  latestKey = latest
  const rows = keys
    .slice(-KEYS_LISTED)
    .toReversed()
    .map(({ key, node, outcome, ms }) => {
      const row = element('li', outcome)
      const name = element('span', `node ${classOf(node)}`)
      name.append(element('i', 'swatch'), element('span', 'hidden', node ?? 'no node'))
      row.append(name, element('code', '', key), element('b', outcome, outcome))
      row.append(element('span', 'ms', figure(ms)))
      return row
    })
  byId('keys').replaceChildren(...rows)
}

function follow(): void {
  const liveness = byId('liveness')
  const stream = new EventSource('/live')
  const say = (state: string, text: string): void => {
    liveness.className = state
    setText(liveness, text)
  }
  stream.onmessage = (event) => {
    say('live', 'live')
    show(JSON.parse(String(event.data)))
  }
  // The browser asks again by itself.
  stream.onerror = () => say('down', 'no connection')
}

/** Buttons of the panel ask where the page stays. */
function stayOnPage(form: HTMLFormElement): void {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = form.querySelector('button')
    if (button?.getAttribute('aria-disabled') === 'true') return
    button?.setAttribute('aria-disabled', 'true')
    const body = new URLSearchParams(new FormData(form) as unknown as Record<string, string>)
    try {
      // Where the form would lead is not asked for: an opaque redirect is success.
      const answer = await fetch(form.action, { method: 'POST', body, redirect: 'manual' })
      if (answer.type !== 'opaqueredirect') setText(byId('announcer'), await answer.text())
    } catch {
      setText(byId('announcer'), 'The application does not answer.')
    } finally {
      button?.setAttribute('aria-disabled', 'false')
    }
  })
}

offerThemes(byId<HTMLButtonElement>('theme'))
// A page that could not be made has no panel, and no script either; one that has it has all of it.
for (const form of document.querySelectorAll<HTMLFormElement>('#formation form')) stayOnPage(form)
follow()
