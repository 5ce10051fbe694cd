// Takes answers apart into what must be the same byte for byte, and the two kinds of numbers that can't be:
// CAS uniques, which each server counts for itself, and times, because two clocks tick. Knows the shape of
// answers; nothing of what was asked.
import type { Protocol } from './session.ts'

export interface Cas {
  readonly value: string
  /** The key it belongs to, where the answer tells. */
  readonly key: string | undefined
}

export interface Answers {
  /** The answers with a placeholder for each number taken out. */
  readonly shape: string
  readonly cas: readonly Cas[]
  /** Seconds. */
  readonly times: readonly number[]
}

// Characters that no byte becomes in Latin-1.
const CAS = '\u{1F511}'
const TIME = '\u{1F551}'
const CLASS = '\u{1F4CF}'

export const ANSWERS: Readonly<Record<Protocol, (text: string) => Answers>> = {
  text: textAnswers,
  binary: binaryAnswers,
}

const VALUE = /^VALUE ([^ ]+) (\d+) (\d+)(?: (\d+))?\r\n$/
/** Keys that came in base64 can come back as they are, with blanks and line feeds. */
const META = /^(?:HD|NS|EX|NF|EN|ME|VA (\d+))[ \r]/
const DEBUG = /^ME (.+) exp=(-?\d+) la=(\d+) cas=(\d+) fetch=(yes|no) cls=(\d+) size=(\d+)\r\n$/s

export function textAnswers(text: string): Answers {
  const cas: Cas[] = []
  const times: number[] = []
  let shape = ''
  let at = 0
  const take = (length: number): string => {
    const taken = text.slice(at, at + length)
    at += taken.length
    return taken
  }
  const takeLine = (end: string): string => {
    const found = text.indexOf(end, at)
    return take(found < 0 ? text.length : found + end.length - at)
  }
  while (at < text.length) {
    const meta = META.exec(text.slice(at, at + 20))
    const line = meta === null ? takeLine('\n') : withRawKey(takeLine('\r\n'))
    if (meta !== null) {
      shape += line.startsWith('ME ') ? debugShape(line, cas, times) : metaShape(line, cas, times)
      if (meta[1] !== undefined) shape += take(Number(meta[1]) + 2)
      continue
    }
    const [, key, , length, unique] = VALUE.exec(line) ?? []
    if (unique === undefined) {
      shape += line
    } else {
      cas.push({ value: unique, key })
      shape += `${line.slice(0, -unique.length - 2)}${CAS}\r\n`
    }
    if (length !== undefined) shape += take(Number(length) + 2)
  }
  return { shape, cas, times }
}

/**
 * Ours shows a key that would end a word in base64, however it came; memcached as it is, if it came so. (One of the
 * differences that we have chosen, see docs/PROTOCOL.md.)
 */
function withRawKey(line: string): string {
  const raw = (base64: string): string | undefined => {
    const key = Buffer.from(base64, 'base64').toString('latin1')
    return /[\0\n\r ]/.test(key) ? key : undefined
  }
  return line
    .replace(/ k([A-Za-z0-9+/=]+) b(?=[ \r])/, (shown, key) => {
      const text = raw(key)
      return text === undefined ? shown : ` k${text}`
    })
    .replace(/^ME ([A-Za-z0-9+/=]+)(?= exp=)/, (shown, key) => {
      const text = raw(key)
      return text === undefined ? shown : `ME ${text}`
    })
}

/** Return flags: `c` is a CAS unique, `t` and `l` are seconds. */
function metaShape(line: string, cas: Cas[], times: number[]): string {
  const tokens = line.slice(0, -2).split(' ')
  if (tokens.length === 1) return line
  const named = tokens.findIndex((token) => token.startsWith('k'))
  let key = named < 0 ? undefined : tokens[named]?.slice(1)
  if (key !== undefined && tokens[named + 1] === 'b') {
    key = Buffer.from(key, 'base64').toString('latin1')
  }
  const shape = tokens.map((token) => {
    if (/^c\d+$/.test(token)) {
      cas.push({ value: token.slice(1), key })
      return `c${CAS}`
    }
    if (/^[tl]\d+$/.test(token)) {
      times.push(seconds(token.slice(1)))
      return `${token[0]}${TIME}`
    }
    return token
  })
  return `${shape.join(' ')}\r\n`
}

/** `me`. In which class an item lies is each server's own; 1.6.18 tells expiry times negatively. */
function debugShape(line: string, cas: Cas[], times: number[]): string {
  const [, key, exp, la, unique, fetched, , size] = DEBUG.exec(line) ?? []
  if (unique === undefined || key === undefined) return line
  cas.push({ value: unique, key })
  times.push(Math.abs(Number(exp)), Number(la))
  return `ME ${key} exp=${exp === '-1' ? exp : TIME} la=${TIME} cas=${CAS} fetch=${fetched} cls=${CLASS} size=${size}\r\n`
}

/** A time that is past comes as a 32-bit number below zero. */
function seconds(digits: string): number {
  return Number(digits) | 0
}

const RESPONSE_MAGIC = 0x81
const HEADER_BYTES = 24

export function binaryAnswers(text: string): Answers {
  const bytes = Buffer.from(text, 'latin1')
  const cas: Cas[] = []
  let shape = ''
  let at = 0
  while (bytes.length - at >= HEADER_BYTES && bytes[at] === RESPONSE_MAGIC) {
    const unique = bytes.readBigUInt64BE(at + 16)
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 8)
    const keyAt = at + HEADER_BYTES + (bytes[at + 4] ?? 0)
    const key = text.slice(keyAt, keyAt + bytes.readUInt16BE(at + 2))
    cas.push({ value: String(unique), key: key === '' ? undefined : key })
    shape += text.slice(at, at + 16) + CAS + text.slice(at + HEADER_BYTES, end)
    at = end
  }
  return { shape: shape + text.slice(at), cas, times: [] }
}
