// A request as the cache sees it, and what it allows. Knows no framework.
import { directivesOf, type Headers, headerText, namesOf, secondsOf } from './cache-control.ts'
import { ageOf, isFor, type Terms } from './storage-rules.ts'

/** What a response depends on. */
export interface CacheableRequest {
  readonly method: string
  /** `http` or `https`, as the user's browser has it. */
  readonly scheme: string
  readonly host: string
  /** Path and query, as they were asked for. */
  readonly url: string
  /** By name in lower case. */
  readonly headers: Headers
}

/** How a stored response can be used. `request`: it is fresh, but not for this request. */
export type Use = 'fresh' | 'while-revalidating' | 'if-error' | 'none' | 'request'

/** What the cache has nothing to do with: parts, changes under conditions, bodies (which are in no key), other protocols. */
const BYPASSING = ['range', 'if-match', 'if-unmodified-since', 'if-range', 'upgrade']
const HAVING_BODIES = ['content-length', 'transfer-encoding']

export function isBypassed({ headers }: CacheableRequest): boolean {
  if (BYPASSING.some((name) => headers[name] !== undefined)) return true
  if (HAVING_BODIES.some((name) => (headers[name] ?? '0') !== '0')) return true
  return directivesOf(headers['cache-control']).has('no-store')
}

export function isOnlyIfCached({ headers }: CacheableRequest): boolean {
  return directivesOf(headers['cache-control']).has('only-if-cached')
}

export function useOf(
  { headers }: CacheableRequest,
  terms: Terms,
  now: number,
  mayReload: boolean,
): Use {
  if (!isFor(headers, terms)) return 'request'
  const age = ageOf(terms, now)
  const left = terms.freshFor - age
  if (mayReload && !isAllowed(headers, age, left)) return 'request'
  if (left > 0) return 'fresh'
  if (-left < terms.staleWhileRevalidate) return 'while-revalidating'
  return -left < terms.staleIfError ? 'if-error' : 'none'
}

/** What the request itself says about what it takes. */
function isAllowed(headers: Headers, age: number, left: number): boolean {
  const control = directivesOf(headers['cache-control'])
  if (control.has('no-cache')) return false
  if (control.size === 0 && namesOf(headers.pragma).includes('no-cache')) return false
  if (control.has('max-age') && age >= secondsOf(control, 'max-age')) return false
  return !control.has('min-fresh') || left >= secondsOf(control, 'min-fresh')
}

/** The values of these headers, in which spaces mean nothing. */
export function selected({ headers }: CacheableRequest, names: readonly string[]): string {
  const values = names.map((name) =>
    headers[name] === undefined ? null : headerText(headers[name]).replace(/\s+/g, ' ').trim(),
  )
  return JSON.stringify(values)
}
