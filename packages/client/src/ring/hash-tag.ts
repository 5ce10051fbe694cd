// Hash tags: keys that have the same text between two characters, `{user:1}:name` and `{user:1}:mail`,
// are placed by that text alone and so live on the same node. The rule of twemproxy and Redis.
import { ArgumentError } from '../errors.ts'
import type { Distribution, Router } from './router.ts'

/** The part of `key` that places it: what is between the first `open` and the next `close`, if anything. */
export function taggedPart(key: string, open: string, close: string): string {
  const start = key.indexOf(open)
  if (start < 0) return key
  const end = key.indexOf(close, start + 1)
  return end > start + 1 ? key.slice(start + 1, end) : key
}

class Tagged implements Router {
  readonly #router: Router
  readonly #open: string
  readonly #close: string

  constructor(router: Router, open: string, close: string) {
    this.#router = router
    this.#open = open
    this.#close = close
  }

  locate(key: string): number {
    return this.#router.locate(taggedPart(key, this.#open, this.#close))
  }

  shares(): number[] {
    return this.#router.shares()
  }
}

/** @throws ArgumentError unless `hashTag` is two ASCII characters. */
export function withHashTag(distribution: Distribution, hashTag: string): Distribution {
  if (!/^[!-~]{2}$/.test(hashTag)) {
    throw new ArgumentError(
      `hashTag must be two ASCII characters, such as "{}", not ${JSON.stringify(hashTag)}`,
    )
  }
  return (nodes, all) => new Tagged(distribution(nodes, all), hashTag[0]!, hashTag[1]!)
}
