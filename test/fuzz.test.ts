// A short fuzzing run of every target from the committed inputs, and the proof that the fuzzer finds what it is for.
// `pnpm fuzz` runs longer ones.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { campaign } from './fuzz/campaign.ts'
import { Corpus } from './fuzz/corpus.ts'
import { Fuzzer } from './fuzz/fuzzer.ts'
import { instrument } from './fuzz/instrument.ts'
import { PLANTED_DEFECTS } from './fuzz/planted-defects.ts'
import { fuzzSockets } from './fuzz/socket-fuzz.ts'
import type { Target } from './fuzz/target.ts'
import { TARGETS } from './fuzz/targets.ts'
import { REPOSITORY } from './repository.ts'

const EXECUTIONS = 20_000
const MILLISECONDS = 4_000

describe('fuzzing', () => {
  test.each(Object.keys(TARGETS))('%s: no defect', async (target) => {
    const plan = { seed: 1, executions: EXECUTIONS, milliseconds: MILLISECONDS }
    const { defect, executions, coverage } = await campaign(target, plan)
    expect(defect?.error.stack).toBeUndefined()
    expect(executions).toBeGreaterThan(0)
    // It has seen the inside of what it runs, not just its first refusal.
    expect(coverage).toBeGreaterThan(30)
  })
})

// The others are found too, not as soon: `pnpm fuzz --planted`.
test.each(PLANTED_DEFECTS.filter(({ soon }) => soon))(
  'what is wrong is found: $name',
  async (planted) => {
    const plan = { seed: 1, executions: 5_000, milliseconds: 60_000 }
    const { defect } = await campaign(planted.target, plan, () => {}, planted)
    expect(defect?.error.message).toMatch(/memory damaged|stuck|bytes are lost/)
  },
)

test('over sockets: the server lives, keeps nobody who has ended, and answers others meanwhile', async () => {
  const outcome = await fuzzSockets({ seed: 1, inputs: 400 })
  expect(outcome).toMatchObject({ inputs: 400, connections: 1, exit: 0 })
  expect(outcome.answeredBytes).toBeGreaterThan(10_000)
})

test('no copies of the code are left of a run', async () => {
  const modules = join(REPOSITORY, 'packages', 'client', 'node_modules')
  const own = `.counted-${process.pid}-`
  const copies = (): string[] => readdirSync(modules).filter((name) => name.startsWith(own))
  const before = copies()
  await campaign('binary-answers', { seed: 1, executions: 100, milliseconds: 60_000 })
  expect(copies()).toEqual(before)
})

/** A password of three letters, compared one at a time: a random input begins with it once in 16 million tries. */
const LOCK = `
export function open(input) {
  if (input[0] === 111) {
    if (input[1] === 112) {
      if (input[2] === 101) throw new Error('open')
    }
  }
}`

test('the fuzzer goes where the code leads it', () => {
  const counters = new Uint8Array(64)
  const { code } = instrument(LOCK.replace('export ', ''), 0)
  const open: (input: Uint8Array) => void = new Function(
    'counters',
    `${code.replace(/const __counters=[^;]*;/, 'const __counters=counters;')}; return open`,
  )(counters)
  const dictionary = [Buffer.from('x')]
  const target: Target = { dictionary, seeds: [], modules: [], run: open, check: () => {} }
  const outcome = new Fuzzer(target, counters, () => {}).run([], {
    seed: 1,
    executions: 1_000_000,
    milliseconds: 60_000,
  })
  expect(outcome.defect?.error.message).toBe('open')
  expect(Buffer.from(outcome.defect?.inputs.at(-1) ?? []).toString('latin1', 0, 3)).toBe('ope')
})

test('counted code does what the code did', () => {
  const source = `function f(a, b) {
    if (a > b) return a ? a - b : -1
    else if (a === b) for (const x of [1, 2]) a += x
    while (a > 3) a -= b && 3
    switch (a) { case 1: case 2: return 'low'; default: return a || b }
  }`
  const { code, counters } = instrument(source, 0)
  const counts = new Uint8Array(64)
  const counted = new Function(
    'counters',
    `${code.replace(/const __counters=[^;]*;/, 'const __counters=counters;')}; return f`,
  )(counts)
  const original = new Function(`${source}; return f`)()
  for (let a = -2; a < 30; a++) {
    for (let b = -2; b < 9; b++) expect(counted(a, b)).toBe(original(a, b))
  }
  expect(counters).toBeGreaterThan(8)
  expect(counts.subarray(0, counters).every((count) => count > 0)).toBe(true)
})

test('an input is kept for a new branch, and for one taken more often than before', () => {
  const corpus = new Corpus(8)
  const input = Buffer.from('x')
  const counts = (...values: number[]): Uint8Array =>
    Uint8Array.from({ length: 8 }, (_, i) => values[i] ?? 0)
  expect(corpus.consider(input, counts(1))).toBe(true)
  expect(corpus.consider(input, counts(1))).toBe(false)
  expect(corpus.consider(input, counts(2))).toBe(true)
  expect(corpus.consider(input, counts(0, 1))).toBe(true)
  expect(corpus.consider(input, counts(9, 1))).toBe(true)
  expect(corpus.consider(input, counts(10, 1))).toBe(false)
})
