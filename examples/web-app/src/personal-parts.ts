// What fills the holes of a page: the visitor's own things, and how the nodes are at the moment. Knows sessions and nodes as they
// are shown, and markup.
import { type Html, html } from './html.ts'
import type { FormationView, ShownNode, ShownState } from './live-view.ts'
import { nodeClass, nodeName } from './made-report.ts'
import { plantOf } from './plants.ts'

export interface Visitor {
  readonly visits: number
  readonly basket: readonly string[]
  /** Where the session lives now. */
  readonly node: string | undefined
  /** What has become of an earlier one. */
  readonly lost: LostSession | undefined
}

export interface LostSession {
  readonly node: string | undefined
  /** Milliseconds since 1970, when that node was last down; undefined if it never was. */
  readonly downAt: number | undefined
}

const LATEST = 3

export function basketOf({ visits, basket, node }: Visitor): Html {
  const names = basket.slice(-LATEST).map((slug) => plantOf(slug)?.name ?? slug)
  const more = basket.length > LATEST ? '… ' : ''
  const text = basket.length === 0 ? 'empty' : `${basket.length}: ${more}${names.join(', ')}`
  return html`<div class="session" id="session" data-node="${node ?? ''}" data-visits="${visits}"><span><b>Basket</b> <span id="basket">${text}</span></span><small>visit ${visits} · your session lives on ${nodeName(node)}</small></div>`
}

export function lostNotice({ lost, node: now }: Visitor): Html {
  if (lost === undefined) return html``
  const { node, downAt } = lost
  const next = now === undefined ? 'No node is up to keep a new one.' : 'You have a new one.'
  const why =
    downAt === undefined
      ? html`It has expired, or was made before this application was started.`
      : html`It lived on ${nodeName(node)}, which went down at ${clock(downAt)}, and nowhere else: a node keeps no copy of another’s items. Visitors whose sessions live on the other nodes have noticed nothing.`
  return html`<section class="notice" id="lost" role="alert"><h2>Your session is lost: the basket is empty</h2><p>${why} ${next} What must not be lost belongs into a database, with the cache in front of it.</p></section>`
}

const STATE_TEXTS: Readonly<Record<ShownState, string>> = {
  up: 'up',
  returning: 'up, about to be used',
  starting: 'starts',
  down: 'down',
}

/** The browser's script keeps it as it is from then on. */
export function nodeRows(nodes: readonly ShownNode[]): Html {
  return html`${nodes.map(({ name, port, state, share, hits, misses }, i) => {
    const verb = state === 'down' ? 'revive' : 'kill'
    return html`<tr class="${state}" data-node="${name}" data-state="${state}"><th scope="row" class="name"><span class="node ${nodeClass(name)}"><i class="swatch"></i>${name}</span> <small>:${port} · <span class="state">${STATE_TEXTS[state]}</span></small></th><td class="share">${(share * 100).toFixed(1)} %</td><td class="hits">${hits}</td><td class="misses">${misses}</td><td><form method="post" action="/nodes/${i + 1}/${verb}"><button class="${verb}">${verb === 'kill' ? 'Kill' : 'Revive'}<span class="hidden"> ${name}</span></button></form></td></tr>`
  })}`
}

export function visitorsButton({ visitors }: FormationView): Html {
  return html`<form method="post" action="/visitors" id="visitors"><input type="hidden" name="here" value="${visitors ? 'no' : 'yes'}"><button aria-pressed="${visitors ? 'true' : 'false'}">Visitors</button><span class="muted">three that look at pages, so that there is something to see</span></form>`
}

function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}
