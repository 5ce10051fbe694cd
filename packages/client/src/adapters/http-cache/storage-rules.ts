// Which responses a shared cache may keep, for whom and how long: RFC 9111, and stricter where a mistake would show one
// user's page to another. Own code, though `http-cache-semantics` is there: that takes `Cache-Control: Private` for no `private`,
// keeps the user's cookies wherever there is a Vary, and stores what sets cookies if it is `public`. Knows no cache.
import { directivesOf, type Headers, headerText, namesOf, secondsOf } from './cache-control.ts'

/** What counts for responses that say nothing themselves, in seconds. */
export interface Defaults {
  readonly ttl: number
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
}

/** How a response may be kept. Seconds, from when it was made. */
export interface Terms {
  readonly madeAt: number
  readonly freshFor: number
  /** After that. */
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  /** It says itself that it is for everybody, whoever asked for it. */
  readonly isPublic: boolean
  readonly vary: readonly string[]
}

/** Those that the RFC lets a cache keep if they say for how long, but for 206, which is a part. */
const STORABLE = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501])
const VARY_MAX_NAMES = 16

/** Undefined when it may not be kept. */
export function termsOf(
  request: Headers,
  status: number,
  response: Headers,
  defaults: Defaults,
  now: number,
): Terms | undefined {
  const control = directivesOf(response['cache-control'])
  const vary = [...new Set(namesOf(response.vary))].sort()
  const isRefused =
    !STORABLE.has(status) ||
    ['no-store', 'no-cache', 'private'].some((name) => control.has(name)) ||
    (control.size === 0 && namesOf(response.pragma).includes('no-cache')) ||
    response['set-cookie'] !== undefined ||
    response['content-range'] !== undefined ||
    vary.includes('*') ||
    vary.length > VARY_MAX_NAMES
  if (isRefused) return undefined
  const isPublic = control.has('public') || control.has('s-maxage')
  if (!isFor(request, { isPublic, vary })) return undefined

  const date = Date.parse(headerText(response.date))
  const age = Math.max(
    0,
    Number.isNaN(date) ? 0 : (now - date) / 1000,
    Number.parseInt(headerText(response.age), 10) || 0,
  )
  const freshFor = lifetime(status, response, defaults, now)
  const isStrict = control.has('must-revalidate') || control.has('proxy-revalidate')
  const stale = (name: string, otherwise: number): number => {
    if (isStrict) return 0
    return control.has(name) ? secondsOf(control, name) : otherwise
  }
  const terms = {
    madeAt: now - age * 1000,
    freshFor,
    staleWhileRevalidate: stale('stale-while-revalidate', defaults.staleWhileRevalidate),
    staleIfError: stale('stale-if-error', defaults.staleIfError),
    isPublic,
    vary,
  }
  return freshFor > 0 && secondsLeft(terms, now) > 0 ? terms : undefined
}

/**
 * Whether a response may be kept of, and given to, one who says who they are. Stricter than the RFC for cookies: that
 * knows none. What is for everybody says so, or depends on the cookie and says that.
 */
export function isFor(request: Headers, { isPublic, vary }: Pick<Terms, 'isPublic' | 'vary'>) {
  if (isPublic) return true
  if (request.authorization !== undefined) return false
  return request.cookie === undefined || vary.includes('cookie')
}

/** Seconds until it is of no use any more, be it stale. */
export function secondsLeft(terms: Terms, now: number): number {
  const stale = Math.max(terms.staleWhileRevalidate, terms.staleIfError)
  return terms.freshFor + stale - ageOf(terms, now)
}

export function ageOf({ madeAt }: Pick<Terms, 'madeAt'>, now: number): number {
  return Math.max(0, (now - madeAt) / 1000)
}

function lifetime(status: number, response: Headers, { ttl }: Defaults, now: number): number {
  const control = directivesOf(response['cache-control'])
  if (control.has('s-maxage')) return secondsOf(control, 's-maxage')
  if (control.has('max-age')) return secondsOf(control, 'max-age')
  if (response.expires !== undefined) {
    const date = Date.parse(headerText(response.date))
    const expires = Date.parse(headerText(response.expires))
    // What is no date, like 0, is long ago.
    return Number.isNaN(expires) ? 0 : (expires - (Number.isNaN(date) ? now : date)) / 1000
  }
  return status === 200 ? ttl : 0
}
