// Which route a key takes: that of the longest prefix it begins with, or else the default. Knows no pool.
import type { Route } from './route.ts'

export interface PrefixRoute {
  /** '' for the default. In Latin-1: a character for each byte. */
  readonly prefix: string
  readonly route: Route
}

export class RoutingTable {
  /** The longest first. */
  readonly #routes: readonly PrefixRoute[]
  readonly #default: Route | undefined

  constructor(routes: readonly PrefixRoute[]) {
    this.#routes = routes
      .filter(({ prefix }) => prefix !== '')
      .sort((one, other) => other.prefix.length - one.prefix.length)
    this.#default = routes.find(({ prefix }) => prefix === '')?.route
  }

  /** `key` in Latin-1. */
  find(key: string): Route | undefined {
    const routes = this.#routes
    for (let i = 0; i < routes.length; i++) {
      if (key.startsWith(routes[i]!.prefix)) return routes[i]!.route
    }
    return this.#default
  }

  get all(): readonly PrefixRoute[] {
    const fallback = this.#default
    return fallback === undefined
      ? this.#routes
      : [...this.#routes, { prefix: '', route: fallback }]
  }
}
