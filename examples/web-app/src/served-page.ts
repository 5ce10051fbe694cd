// Serves a page: from the cache as a whole, or put together from fragments that are; with everything in it that is not
// cached. Knows the cache, pages and their parts; no HTTP.
import type { Client } from '@memshard/client'
import { CachedParts, type Stored } from './cached-parts.ts'
import { type Fragment, homeFragments, plantFragments } from './fragments.ts'
import { Html, html } from './html.ts'
import type { FormationView } from './live-view.ts'
import { badge, type Made, madeReport, type PageFragment } from './made-report.ts'
import type { Origin } from './origin.ts'
import { fillHoles, homePage, type PlacedFragment, plantPage } from './pages.ts'
import { basketOf, lostNotice, nodeRows, type Visitor, visitorsButton } from './personal-parts.ts'
import { PLANTS, type Plant } from './plants.ts'

interface StoredPage extends Stored {
  readonly fragments: readonly PageFragment[]
}

const PAGE_SECONDS = 300
const FRAGMENT_SECONDS = 600
const STALE_SECONDS = 600

export class ServedPage {
  readonly path: string
  readonly #fragments: () => readonly Fragment[]
  readonly #layOut: (fragments: readonly PlacedFragment[]) => Html

  private constructor(
    path: string,
    fragments: () => readonly Fragment[],
    layOut: (fragments: readonly PlacedFragment[]) => Html,
  ) {
    this.path = path
    this.#fragments = fragments
    this.#layOut = layOut
  }

  /** The home page. */
  static home(origin: Origin): ServedPage {
    const month = (): number => new Date().getMonth() + 1
    return new ServedPage('/', () => homeFragments(origin, month()), homePage)
  }

  static ofPlant(origin: Origin, plant: Plant): ServedPage {
    return new ServedPage(
      `/plants/${plant.slug}`,
      () => plantFragments(origin, plant),
      (fragments) => plantPage(plant, fragments),
    )
  }

  get key(): string {
    return `page:${this.path}`
  }

  async serve(
    cache: Client,
    cached: boolean,
    visitor: Visitor,
    formation: FormationView,
  ): Promise<string> {
    const begun = performance.now()
    const parts = new CachedParts(cache, cached)
    const stored = cached
      ? await parts.part({ name: 'the page', key: this.key, ttl: PAGE_SECONDS, staleFor: 0 }, () =>
          this.#make(parts),
        )
      : await this.#make(parts)
    const made: Made = {
      path: this.path,
      ms: performance.now() - begun,
      cached,
      page: parts.parts.find(({ key }) => key === this.key),
      parts: parts.parts,
      fragments: stored.fragments,
    }
    return fillHoles(stored.html, (name) => fillingOf(name, made, visitor, formation))
  }

  /** A failure of the cache is none here: what can't be deleted is on a node that is down, and gone. */
  async forget(cache: Client, fragmentsToo: boolean): Promise<void> {
    const fragments = fragmentsToo ? this.#fragments().map(({ key }) => key) : []
    await cache.deleteMulti([this.key, ...fragments]).catch(() => {})
  }

  async #make(parts: CachedParts): Promise<StoredPage> {
    const fragments = await Promise.all(
      this.#fragments().map(async ({ name, key, make }) => {
        const ttl = FRAGMENT_SECONDS
        const stored = await parts.part({ name, key, ttl, staleFor: STALE_SECONDS }, make)
        return { name, ...stored }
      }),
    )
    return {
      html: this.#layOut(fragments).markup,
      originMs: fragments.reduce((sum, { originMs }) => sum + originMs, 0),
      fragments: fragments.map(({ name, originMs }) => ({ name, originMs })),
    }
  }
}

/** All pages, by their paths. */
export function servedPages(origin: Origin): ReadonlyMap<string, ServedPage> {
  const pages = [
    ServedPage.home(origin),
    ...PLANTS.map((plant) => ServedPage.ofPlant(origin, plant)),
  ]
  return new Map(pages.map((page) => [page.path, page]))
}

function fillingOf(name: string, made: Made, visitor: Visitor, formation: FormationView): Html {
  if (name.startsWith('part ')) return badge(made, name.slice('part '.length))
  switch (name) {
    case 'made':
      return madeReport(made)
    case 'basket':
      return basketOf(visitor)
    case 'lost':
      return lostNotice(visitor)
    case 'nodes':
      return nodeRows(formation.nodes)
    case 'visitors':
      return visitorsButton(formation)
    case 'story':
      return html`${formation.story}`
    default:
      return new Html('')
  }
}
