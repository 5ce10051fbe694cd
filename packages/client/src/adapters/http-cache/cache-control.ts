// Cache-Control as both sides write it (RFC 9111, section 5.2). Knows the form, not what follows from it.

/** By name in lower case; what has no value has the empty one. Of several of one name the first counts. */
export type Directives = ReadonlyMap<string, string>

export type HeaderValue = string | number | string[] | undefined
/** By name in lower case. */
export type Headers = Readonly<Record<string, HeaderValue>>

const DIRECTIVE = /([^\s=,"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g

export function headerText(value: HeaderValue): string {
  return Array.isArray(value) ? value.join(', ') : value === undefined ? '' : String(value)
}

export function directivesOf(value: HeaderValue): Directives {
  const directives = new Map<string, string>()
  for (const [, name = '', quoted, token] of headerText(value).matchAll(DIRECTIVE)) {
    const key = name.toLowerCase()
    if (!directives.has(key)) directives.set(key, quoted ?? token ?? '')
  }
  return directives
}

/** The seconds of a directive; 0 where there are none, or no number: then nothing is fresh by it. */
export function secondsOf(directives: Directives, name: string): number {
  const text = directives.get(name) ?? ''
  return /^\d+$/.test(text) ? Math.min(Number(text), 2 ** 31) : 0
}

/** The members of a list, in lower case. */
export function namesOf(value: HeaderValue): string[] {
  return headerText(value)
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
}
