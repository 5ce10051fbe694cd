// Which keys are asked for how often: a popularity is a plain record, with a short text for the command line
// and the report. Draws nothing: key-sampler.ts does.
import { BenchError } from '../errors.ts'
import { formatPercent, parseDecimal, parsePercent } from './number-text.ts'

export type Popularity =
  | SinglePopularity
  /** Each request follows one of the parts, which have these shares of them. All have the same keys. */
  | { readonly kind: 'mix'; readonly parts: readonly PopularityPart[] }

export interface PopularityPart {
  /** From 0 to 1; those of all parts add up to 1. */
  readonly share: number
  readonly popularity: SinglePopularity
}

export type SinglePopularity =
  /** Each key equally often: all of them once, in random order, before any comes again. */
  | { readonly kind: 'shuffled' }
  /** Each key is as likely every time. */
  | { readonly kind: 'uniform' }
  /** The r-th most popular key is asked for in proportion to 1 / r^exponent. */
  | { readonly kind: 'zipf'; readonly exponent: number }
  /** A share of the keys, from 0 to 1, gets a share of the requests; within both all are alike. */
  | { readonly kind: 'hotspot'; readonly keys: number; readonly requests: number }
  /** One key after the other, round and round from anywhere, in an order of its own. */
  | { readonly kind: 'scan' }
  /**
   * As another, but the popular keys change: so often in a thousand requests a key that was the least popular
   * becomes the most popular one, and all others sink by one rank. A request is one key asked for.
   */
  | {
      readonly kind: 'drift'
      readonly keysPerThousandRequests: number
      readonly of: SinglePopularity
    }

const FORMS =
  'write it like shuffled, uniform, scan, zipf:0.99, hotspot:10%:90%, drift:5:zipf:1, ' +
  'or shares of them that add up to 100%, like zipf:1@80%+scan@20%'

/** Steeper than this, nothing but the first few keys is ever asked for. */
const EXPONENT_MAX = 20
/** What the shares of a mixture may miss the whole by: written with few digits, a third is 33.33%. */
const SHARE_TOLERANCE = 0.001

/** Reads what {@link describePopularity} writes. Throws a {@link BenchError}, USAGE. */
export function parsePopularity(text: string): Popularity {
  const popularity = text.includes('@') ? readMixture(text) : readSingle(text)
  if (popularity) return popularity
  throw new BenchError('USAGE', `"${text}" is no popularity of keys: ${FORMS}`)
}

/** `zipf:1@80%+scan@20%`. */
export function describePopularity(popularity: Popularity): string {
  switch (popularity.kind) {
    case 'zipf':
      return `zipf:${popularity.exponent}`
    case 'hotspot':
      return `hotspot:${formatPercent(popularity.keys)}:${formatPercent(popularity.requests)}`
    case 'drift':
      return `drift:${popularity.keysPerThousandRequests}:${describePopularity(popularity.of)}`
    case 'mix':
      return popularity.parts
        .map((part) => `${describePopularity(part.popularity)}@${formatPercent(part.share)}`)
        .join('+')
    default:
      return popularity.kind
  }
}

function readMixture(text: string): Popularity | undefined {
  const parts: PopularityPart[] = []
  for (const piece of text.split('+')) {
    const [single = '', percent = '', ...more] = piece.split('@')
    const popularity = readSingle(single)
    const share = parsePercent(percent)
    if (!popularity || !(share > 0) || more.length > 0) return undefined
    parts.push({ share, popularity })
  }
  const whole = parts.reduce((sum, part) => sum + part.share, 0)
  return Math.abs(whole - 1) <= SHARE_TOLERANCE ? { kind: 'mix', parts } : undefined
}

function readSingle(text: string): SinglePopularity | undefined {
  const [kind, first = '', ...rest] = text.split(':')
  if (kind === 'drift') {
    const keysPerThousandRequests = parseDecimal(first)
    const of = readSingle(rest.join(':'))
    return of && keysPerThousandRequests > 0 ? { kind, keysPerThousandRequests, of } : undefined
  }
  if (kind === 'hotspot') {
    const [keys, requests] = [parsePercent(first), parsePercent(rest.join(':'))]
    return keys > 0 && keys <= 1 && requests <= 1 ? { kind, keys, requests } : undefined
  }
  if (kind === 'zipf') {
    const exponent = parseDecimal(first)
    return exponent <= EXPONENT_MAX && rest.length === 0 ? { kind, exponent } : undefined
  }
  if (text === 'shuffled' || text === 'uniform' || text === 'scan') return { kind: text }
  return undefined
}
