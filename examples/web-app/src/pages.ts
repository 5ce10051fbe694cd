// The pages as they are cached: for everybody the same, with holes for what is each visitor's and each moment's own. Knows
// markup; no cache and no session.
import { MONTHS, price } from './fragments.ts'
import { type Content, Html, html } from './html.ts'
import { ORDERS, RESAMPLES } from './orders.ts'
import type { Plant } from './plants.ts'

/** Filled whenever the page is served. Names are letters, digits, dashes and spaces. */
export function hole(name: string): Html {
  return new Html(`<!--hole:${name}-->`)
}

/** Text on a page is escaped, and so no hole. */
export function fillHoles(page: string, fill: (name: string) => Html): string {
  return page.replace(/<!--hole:([\w -]+)-->/g, (_, name: string) => fill(name).markup)
}

export interface PlacedFragment {
  readonly name: string
  readonly html: string
}

export function homePage(fragments: readonly PlacedFragment[]): Html {
  return page(
    'Seedbed, a nursery',
    html`<div class="intro"><h1>Perennials, and what ${ORDERS.toLocaleString('en')} orders say about them</h1><p>Every list below is asked of an origin that reads all orders ${RESAMPLES} times over, to say how sure it is. That takes it a while. A cache of three nodes spares it.</p></div>${fragments.map(placed)}`,
  )
}

export function plantPage(plant: Plant, fragments: readonly PlacedFragment[]): Html {
  const { slug, name, latin, about, cents, centimetres, from, to } = plant
  const months = `${MONTHS[from - 1]} to ${MONTHS[to - 1]}`
  return page(
    `${name} · Seedbed`,
    html`<article class="plant"><img src="/pictures/${slug}.svg" alt="${name}, drawn" width="320" height="240"><div><p class="crumbs"><a href="/">All plants</a></p><h1>${name}</h1><p class="latin">${latin}</p><p>${about}</p><dl><div><dt>Height</dt><dd>${centimetres} cm</dd></div><div><dt>Flowers</dt><dd>${months}</dd></div><div><dt>Price</dt><dd>${price(cents)}</dd></div></dl><form method="post" action="/plants/${slug}/basket"><button class="primary">Put into the basket</button></form></div></article>${fragments.map(placed)}`,
  )
}

/** Of what doesn't exist, or doesn't work; nothing of it is cached. */
export function plainPage(title: string, text: string): Html {
  return html`${HEAD(title)}<body><main class="plain"><h1>${title}</h1><p>${text}</p><p><a href="/">To the plants</a></p></main></body></html>`
}

function placed({ name, html: markup }: PlacedFragment): Html {
  return html`<section class="fragment" aria-label="${name}">${hole(`part ${name}`)}${new Html(markup)}</section>`
}

const HEAD = (title: string, script = html``): Html =>
  html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title}</title><link rel="icon" href="/assets/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/assets/style.css">${script}</head>`

const SCRIPT = html`<script type="module" src="/assets/main.js"></script>`

function page(title: string, content: Content): Html {
  return html`${HEAD(title, SCRIPT)}<body>
<a class="skip" href="#main">Skip to the page</a><a class="skip" href="#formation">Skip to the formation</a>
<header class="site"><a class="brand" href="/"><svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true"><path d="M12 22v-9M12 14C6 14 4 10 4 5c5 0 8 3 8 9zM12 16c5 0 8-3 8-8-5 0-8 3-8 8z"/></svg>Seedbed</a><p class="muted">an example of <b>memshard</b>: page, fragment and session caching</p><div class="controls">${hole('basket')}<button type="button" id="theme" hidden>Light or dark</button><a class="button jump" href="#formation">Formation</a></div></header>
<div class="layout"><main id="main" tabindex="-1">${hole('lost')}${hole('made')}${content}</main>
<aside id="formation" tabindex="-1" aria-labelledby="formation-title">
<div class="heading"><h2 id="formation-title">Formation</h2><p class="liveness" role="status"><span id="liveness" class="waiting">waiting</span></p></div>
<noscript><p class="muted">The picture and the figures are drawn by a script. Everything else works without it.</p></noscript>
<figure class="ring"><svg id="ring" viewBox="-160 -160 320 320" role="img" aria-label="The continuum"></svg></figure>
<p class="legend" aria-hidden="true"><span><i class="mark hit"></i>hit</span><span><i class="mark miss"></i>miss</span><span><i class="mark lost"></i>taken over from a node that is down</span></p>
<table class="nodes"><thead><tr><th scope="col" class="name">Node</th><th scope="col">Share</th><th scope="col">Hits</th><th scope="col">Misses</th><td></td></tr></thead><tbody id="nodes">${hole('nodes')}</tbody></table>
<p id="story">${hole('story')}</p>
${hole('visitors')}
<section class="chart"><h3>Reads a second <span class="now"><i class="swatch hits"></i><span id="hits-now">–</span> <i class="swatch misses"></i><span id="misses-now">–</span></span></h3><svg id="reads" viewBox="0 0 360 84" role="img" aria-label="Hits and misses in each second of the last minute"></svg></section>
<section class="chart"><h3>Calls take <span class="now"><i class="swatch median"></i><span id="median-now">–</span> <i class="swatch p99"></i><span id="p99-now">–</span></span></h3><svg id="latency" viewBox="0 0 360 84" role="img" aria-label="Median and 99th percentile of calls in each second of the last minute"></svg></section>
<section class="keys"><h3>The last keys, and where they fell</h3><ol id="keys"></ol></section>
<p class="muted">Hits, misses and latency are this application’s, as its client counts them.</p>
</aside></div><p id="announcer" class="hidden" aria-live="polite"></p></body></html>`
}
