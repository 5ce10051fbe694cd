// Says on a page how it was made: what of it was in the cache and where, what the origin had to do, and what all that has cost.
// Knows parts as they were accounted for, and markup.
import type { Part } from './cached-parts.ts'
import { type Html, html } from './html.ts'

export interface PageFragment {
  readonly name: string
  readonly originMs: number
}

export interface Made {
  readonly path: string
  readonly ms: number
  readonly cached: boolean
  /** The page as a whole; undefined without the cache. */
  readonly page: Part | undefined
  readonly parts: readonly Part[]
  /** What the page consists of, however it came. */
  readonly fragments: readonly PageFragment[]
}

export function madeReport(made: Made): Html {
  const { path, ms, cached } = made
  const without = made.fragments.reduce((sum, { originMs }) => sum + originMs, 0)
  const most = Math.max(ms, without, 0.001)
  const rows = cached ? rowsOf(made) : made.fragments.map(originRow)
  const base = path === '/' ? '' : path
  return html`<section class="made" aria-labelledby="made-title"><div class="heading"><h2 id="made-title">${titleOf(made)}</h2><p class="muted">${explanationOf(made)}</p></div>
<dl class="costs"><div><dt>this time</dt><dd id="made-ms">${milliseconds(ms)}</dd>${costBar(ms / most, 'with')}</div><div><dt>${cached ? 'the origin’s work in it' : 'of it the origin’s work'}</dt><dd>${milliseconds(without)}</dd>${costBar(without / most, 'without')}</div></dl>
<details open><summary>What it is made of</summary><div class="scroll" tabindex="0" role="group" aria-label="Parts of the page, a table"><table><thead><tr><th scope="col" class="name">Part</th><th scope="col" class="name key">Key</th><th scope="col" class="name">From</th><th scope="col">Took</th><th scope="col">Origin’s work</th></tr></thead><tbody>${rows}</tbody></table></div></details>
<div class="actions">${cached ? html`<a class="button" href="${path}" id="again">Load again</a><form method="post" action="${base}/forget?what=page"><button>Forget the page</button></form><form method="post" action="${base}/forget?what=all"><button>Forget its fragments, too</button></form><a class="button" href="${path}?cache=off">Without the cache</a>` : html`<a class="button" href="${path}">With the cache</a>`}</div></section>`
}

/** At the head of a fragment. */
export function badge(made: Made, name: string): Html {
  const part = made.parts.find((one) => one.name === name)
  const { originMs = 0 } = made.fragments.find((one) => one.name === name) ?? {}
  if (part?.from === 'cache') {
    return html`<p class="badge hit">${nodeName(part.node)} had it · ${milliseconds(part.ms)} instead of ${milliseconds(originMs)}</p>`
  }
  if (part !== undefined) {
    const kept = part.node === undefined ? 'not kept' : html`now on ${nodeName(part.node)}`
    return html`<p class="badge miss">made by the origin · ${milliseconds(originMs)} · ${kept}</p>`
  }
  return html`<p class="badge copy">in the page’s copy on ${nodeName(made.page?.node)} · spares ${milliseconds(originMs)}</p>`
}

export function nodeName(name: string | undefined): Html {
  if (name === undefined) return html`no node`
  return html`<span class="node ${nodeClass(name)}"><i class="swatch"></i>${name}</span>`
}

/** Its colour. */
export function nodeClass(name: string): string {
  return `node-${/\d+$/.exec(name)?.[0] ?? 0}`
}

function titleOf({ cached, page, parts, fragments }: Made): string {
  if (!cached) return 'Made without the cache'
  if (page?.from === 'cache') return 'Whole from the cache'
  const hits = parts.filter(({ from }) => from === 'cache').length
  if (hits === 0) return 'Made by the origin'
  return `Put together from ${hits} of ${fragments.length} fragments`
}

function explanationOf({ cached, page, parts }: Made): Html {
  if (!cached) return html`Every fragment was asked of the origin, and nothing was stored.`
  if (page?.from === 'cache') {
    return html`One read on ${nodeName(page.node)}; only the basket and this box are made for you.`
  }
  if (parts.some(({ from }) => from === 'cache')) {
    return html`${nodeName(page?.node)} did not have the page. Fragments live elsewhere on the ring, so not all had to be made.`
  }
  if (page?.node === undefined) return html`No node is up to keep it.`
  return html`Neither the page nor its fragments were in the cache. They are now: load it again.`
}

function rowsOf({ page, parts, fragments }: Made): Html[] {
  const rows = page === undefined ? [] : [partRow(page, 'the page')]
  const seen = parts.filter((part) => part !== page)
  for (const { name, originMs } of fragments) {
    const part = seen.find((one) => one.name === name)
    rows.push(part === undefined ? copyRow(name, originMs) : partRow(part, name))
  }
  return rows
}

function partRow({ key, node, from, ms, originMs }: Part, name: string): Html {
  const source =
    from === 'cache'
      ? html`${nodeName(node)} <b class="hit">hit</b>`
      : html`${nodeName(node)} <b class="miss">miss</b>`
  return html`<tr data-part="${name}" data-from="${from}" data-node="${node ?? ''}"><th scope="row" class="name">${name}</th><td class="name key"><code>${key}</code></td><td class="name">${source}</td><td>${milliseconds(ms)}</td><td>${milliseconds(originMs)}</td></tr>`
}

function copyRow(name: string, originMs: number): Html {
  return html`<tr data-part="${name}" data-from="page"><th scope="row" class="name">${name}</th><td class="name key">–</td><td class="name">the page’s copy</td><td>–</td><td>${milliseconds(originMs)}</td></tr>`
}

function originRow({ name, originMs }: PageFragment): Html {
  return html`<tr data-part="${name}" data-from="origin"><th scope="row" class="name">${name}</th><td class="name key">–</td><td class="name">the origin</td><td>–</td><td>${milliseconds(originMs)}</td></tr>`
}

function costBar(share: number, name: string): Html {
  return html`<svg class="track ${name}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="8" class="rest"/><rect width="${Math.max(0.4, share * 100).toFixed(2)}" height="8" class="done"/></svg>`
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')} ms`
}
