// Which operations a load consists of, and in which proportion, with a short text for the command line and
// the report. Knows nothing of what they do.
import { BenchError } from '../errors.ts'
import { parseDecimal } from './number-text.ts'
import { OPERATIONS, type OperationName } from './operation.ts'

/** The weight of each operation, relative to those of the others. What is left out does not occur. */
export type Mix = Readonly<Partial<Record<OperationName, number>>>

/**
 * Reads `get:90,set:10`, or `9:1` as nine gets for each set. What has no weight is left out.
 * Throws a {@link BenchError}, USAGE.
 */
export function parseMix(text: string): Mix {
  const pair = /^([\d.]+):([\d.]+)$/.exec(text)
  const mix = readMix(pair ? `get:${pair[1]},set:${pair[2]}` : text)
  if (mix) return mix
  throw new BenchError(
    'USAGE',
    `"${text}" is no mix of operations: write it like get:90,set:10 with any of ${OPERATIONS.join(', ')}, ` +
      'or 9:1 for nine gets and a set',
  )
}

/** `get:90,set:10`. */
export function describeMix(mix: Mix): string {
  return OPERATIONS.filter((name) => weightOf(mix, name) > 0)
    .map((name) => `${name}:${mix[name]}`)
    .join(',')
}

export function weightOf(mix: Mix, name: OperationName): number {
  return mix[name] ?? 0
}

function readMix(text: string): Mix | undefined {
  const weights = new Map<OperationName, number>()
  for (const part of text.split(',')) {
    const [word, digits = '', ...more] = part.split(':')
    const name = OPERATIONS.find((operation) => operation === word)
    const weight = parseDecimal(digits)
    if (!name || weights.has(name) || !(weight >= 0) || more.length > 0) return undefined
    weights.set(name, weight)
  }
  const mix = Object.fromEntries([...weights].filter(([, weight]) => weight > 0))
  return Object.keys(mix).length > 0 ? mix : undefined
}
