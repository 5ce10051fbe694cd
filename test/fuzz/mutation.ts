// Inputs made from others: bytes changed, put in, taken out, repeated, moved; words of the dictionary; numbers at
// their limits; parts of a second input. After the mutations of AFL and libFuzzer. Knows no protocol.
import type { Random } from './random.ts'

/** An input is never longer: what is to be found is found with less. */
export const MAX_INPUT_BYTES = 3072
/** How many mutations in a row make one input, at most: 2 to this power. */
const MAX_STACK_POWER = 5

const NUMBERS = [
  ...[0, 1, 2, 9, 10, 99, 100, 127, 128, 250, 251, 255, 256, 1000, 1024, 2047, 2048, 4096, 8192],
  ...[65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -1, -2, 2_592_000, 2_592_001],
].map(String)
const LONG_NUMBERS = ['9223372036854775807', '18446744073709551615', '18446744073709551616', '00']
const ALL_NUMBERS = [...NUMBERS, ...LONG_NUMBERS].map((text) => Buffer.from(text))

export interface Mutator {
  readonly random: Random
  readonly dictionary: readonly Uint8Array[]
  /** Another input to take parts from. */
  readonly other: () => Uint8Array
}

type Mutation = (input: Uint8Array, mutator: Mutator) => Uint8Array

export function mutate(input: Uint8Array, mutator: Mutator): Uint8Array {
  const { random } = mutator
  let changed = input
  for (let left = 1 << random.below(MAX_STACK_POWER + 1); left > 0; left--) {
    changed = random.from(MUTATIONS)(changed, mutator)
  }
  return changed.length > MAX_INPUT_BYTES ? changed.subarray(0, MAX_INPUT_BYTES) : changed
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  insertByte,
  erase,
  repeat,
  move,
  insertWord,
  insertWord,
  overwriteWithWord,
  changeNumber,
  changeNumber,
  resizeValue,
  takePart,
  crossOver,
  insertRun,
]

function flipBit(input: Uint8Array, { random }: Mutator): Uint8Array {
  if (input.length === 0) return input
  const changed = new Uint8Array(input)
  changed[random.below(changed.length)] ^= 1 << random.below(8)
  return changed
}

function setByte(input: Uint8Array, { random }: Mutator): Uint8Array {
  if (input.length === 0) return input
  const changed = new Uint8Array(input)
  changed[random.below(changed.length)] = random.below(256)
  return changed
}

function insertByte(input: Uint8Array, { random }: Mutator): Uint8Array {
  return spliced(input, random.below(input.length + 1), 0, Uint8Array.of(random.below(256)))
}

function erase(input: Uint8Array, { random }: Mutator): Uint8Array {
  const [at, length] = rangeOf(input, random)
  return spliced(input, at, length, NOTHING)
}

function repeat(input: Uint8Array, { random }: Mutator): Uint8Array {
  const [at, length] = rangeOf(input, random)
  return spliced(input, at + length, 0, input.subarray(at, at + length))
}

function move(input: Uint8Array, { random }: Mutator): Uint8Array {
  const [at, length] = rangeOf(input, random)
  const rest = spliced(input, at, length, NOTHING)
  return spliced(rest, random.below(rest.length + 1), 0, input.subarray(at, at + length))
}

function insertWord(input: Uint8Array, { random, dictionary }: Mutator): Uint8Array {
  return spliced(input, random.below(input.length + 1), 0, random.from(dictionary))
}

function overwriteWithWord(input: Uint8Array, { random, dictionary }: Mutator): Uint8Array {
  const word = random.from(dictionary)
  return spliced(input, random.below(input.length + 1), word.length, word)
}

/** One of the decimal numbers becomes another, at a limit or next to what it was. */
function changeNumber(input: Uint8Array, { random }: Mutator): Uint8Array {
  if (input.length === 0) return input
  const isDigit = (at: number): boolean => input[at] >= 0x30 && input[at] <= 0x39
  let at = random.below(input.length)
  for (let tries = 0; tries < input.length && !isDigit(at); tries++) at = (at + 1) % input.length
  if (!isDigit(at)) return input
  while (at > 0 && isDigit(at - 1)) at--
  let end = at
  while (isDigit(end)) end++
  const before = Number(Buffer.from(input.subarray(at, end)).toString('latin1'))
  const near = Buffer.from(String(Math.max(0, before + random.below(7) - 3)))
  return spliced(input, at, end - at, random.below(2) === 0 ? near : random.from(ALL_NUMBERS))
}

/** A value after a line that says how long it is becomes longer or shorter, and its line says so. */
function resizeValue(input: Uint8Array, { random }: Mutator): Uint8Array {
  const text = Buffer.from(input).toString('latin1')
  const lines = [...text.matchAll(/ (\d{1,4})(?: noreply)?\r\n/g)]
  if (lines.length === 0) return input
  const { index, 0: line, 1: digits } = random.from(lines)
  const length = Number(digits)
  const at = index + line.length
  const near = Math.max(0, length + random.below(9) - 4)
  const changed = random.below(2) === 0 ? near : random.below(MAX_INPUT_BYTES)
  const value = text
    .slice(at, at + length)
    .padEnd(changed, 'v')
    .slice(0, changed)
  const told = line.replace(digits, String(changed))
  return Buffer.from(text.slice(0, index) + told + value + text.slice(at + length), 'latin1')
}

function takePart(input: Uint8Array, { random, other }: Mutator): Uint8Array {
  const source = other()
  const [at, length] = rangeOf(source, random)
  return spliced(input, random.below(input.length + 1), 0, source.subarray(at, at + length))
}

function crossOver(input: Uint8Array, { random, other }: Mutator): Uint8Array {
  const source = other()
  const head = input.subarray(0, random.below(input.length + 1))
  return Buffer.concat([head, source.subarray(random.below(source.length + 1))])
}

/** Lines and keys just too long, values just long enough. */
function insertRun(input: Uint8Array, { random }: Mutator): Uint8Array {
  const run = new Uint8Array(1 << random.below(11)).fill(random.from([0x61, 0x20, 0x30, 0, 0xff]))
  return spliced(input, random.below(input.length + 1), 0, run)
}

const NOTHING = new Uint8Array()

function spliced(input: Uint8Array, at: number, removed: number, put: Uint8Array): Uint8Array {
  return Buffer.concat([input.subarray(0, at), put, input.subarray(at + removed)])
}

/** Short ranges are as likely as long ones of any size. */
function rangeOf(input: Uint8Array, random: Random): [at: number, length: number] {
  if (input.length === 0) return [0, 0]
  const at = random.below(input.length)
  const most = Math.min(input.length - at, 1 << random.below(12))
  return [at, 1 + random.below(most)]
}
