// What a transcript is: requests and the answers to them, byte for byte, and how one is held against a
// server. Knows no server and no command.
import { expect } from 'vitest'
import { type Endpoint, Wire } from '../wire.ts'

/**
 * A request, its answer, and the answer of memcached 1.6.18 where that release differs from the one we
 * match. `{name}` in an answer stands for any number, the same one wherever the name comes again (in
 * requests too) and another one than every other name's. `{30s}` stands for seconds that are counted: 30, or 29 if
 * the server's clock ticked since it was asked.
 */
export type Exchange = readonly [request: string, answer: string, answerOf1618?: string]

export interface Transcript {
  readonly title: string
  readonly exchanges: readonly Exchange[]
  /** After the last answer the server closes the connection. */
  readonly closes?: boolean
  /** 1.6.18 can't do this at all, or does it in a way that is not worth writing down; why. */
  readonly notIn1618?: string
}

export interface Variant {
  readonly is1618: boolean
}

/** Holds the conversation on a connection of its own and compares every answer. */
export async function hold(
  endpoint: Endpoint,
  { exchanges, closes = false }: Transcript,
  { is1618 }: Variant,
): Promise<void> {
  await using wire = await Wire.connect(endpoint)
  const numbers = new Map<string, string>()
  for (const [i, [request, answer, answerOf1618]] of exchanges.entries()) {
    const expected = is1618 && answerOf1618 !== undefined ? answerOf1618 : answer
    const asked = request.replace(/\{(\w+)\}/g, (_, name) => numbers.get(name) ?? '')
    let got: string
    if (closes && i === exchanges.length - 1) {
      wire.send(asked)
      got = (await wire.readToEnd()).toString('latin1')
    } else {
      got = await wire.say(asked)
    }
    const context = `the answer to ${JSON.stringify(shortened(asked))}`
    const named = withNames(got, expected, numbers)
    if (named !== expected) expect(shortened(named), context).toBe(shortened(expected))
    expect(named === expected, context).toBe(true)
  }
}

/** The answer with its numbers replaced by their names, where they are what the names stand for. */
function withNames(got: string, expected: string, numbers: Map<string, string>): string {
  let named = ''
  let at = 0
  for (const part of expected.split(/(\{\w+\})/)) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined) {
      named += got.slice(at, at + part.length)
      at += part.length
      continue
    }
    const number = /^\d+/.exec(got.slice(at, at + 20))?.[0] ?? ''
    named += standsFor(name, number, numbers) ? part : number
    at += number.length
  }
  return named + got.slice(at)
}

function standsFor(name: string, number: string, numbers: Map<string, string>): boolean {
  const seconds = /^(\d+)s$/.exec(name)?.[1]
  if (seconds !== undefined)
    return number === seconds || (number !== '' && Number(number) === Number(seconds) - 1)
  const known = numbers.get(name)
  if (number === '' || (known !== undefined && known !== number)) return false
  if (known === undefined && [...numbers.values()].includes(number)) return false
  numbers.set(name, number)
  return true
}

/** For messages: the middle of something very long adds nothing, but its length does. */
function shortened(text: string): string {
  if (text.length <= 1_000) return text
  return `${text.slice(0, 60)}… (${text.length} bytes) …${text.slice(-60)}`
}
