// stats detail dump: the counts of every prefix, in lines, made as they are sent.
import {
  PREFIX_DELETES,
  PREFIX_GETS,
  PREFIX_HITS,
  PREFIX_SETS,
  type PrefixStatistics,
} from '../cache/prefix-statistics.ts'
import type { Context } from './context.ts'
import type { Listing } from './listing.ts'
import { line } from './reply.ts'
import { asWord } from './word.ts'

const END = line('END')

export class PrefixDump implements Listing {
  readonly #generation: number
  #last = 0

  constructor(prefixes: PrefixStatistics) {
    this.#generation = prefixes.generation
  }

  step({ cache, reply }: Context): boolean {
    const { prefixes } = cache
    while (!reply.full) {
      // After a reset the rest is forgotten.
      const prefix = prefixes.generation === this.#generation ? prefixes.next(this.#last) : 0
      if (prefix === 0) {
        reply.text(END)
        return true
      }
      reply.string(describe(prefixes, prefix))
      this.#last = prefix
    }
    return false
  }
}

/** All of it at once, in Latin-1, for where an answer has to be one message. */
export function prefixReport(prefixes: PrefixStatistics): string {
  let text = ''
  for (let prefix = prefixes.next(0); prefix !== 0; prefix = prefixes.next(prefix)) {
    text += describe(prefixes, prefix)
  }
  return `${text}END\r\n`
}

function describe(prefixes: PrefixStatistics, prefix: number): string {
  const of = (counter: number): number => prefixes.counter(prefix, counter)
  return (
    `PREFIX ${asWord(prefixes.text(prefix))} get ${of(PREFIX_GETS)} hit ${of(PREFIX_HITS)}` +
    ` set ${of(PREFIX_SETS)} del ${of(PREFIX_DELETES)}\r\n`
  )
}
