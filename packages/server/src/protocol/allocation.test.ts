// A request makes no garbage: each kind is executed tens of thousands of times in a process of its own,
// and the V8 heap must not grow by it. Whatever is allocated all the same stands here, with its reason.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { compileSources } from '../cache/compile-sources.ts'
import { hasSystemCalls } from '../transport/system-calls.ts'

const sources = compileSources()
afterAll(() => sources[Symbol.dispose]())

/** Less than the smallest thing on the heap, a number of 16 bytes; more than what compiling it costs. */
const TOLERANCE_BYTES = 10

/**
 * Values of more than 256 bytes are not copied by a loop of ours: without native memory a view is made,
 * with it the addresses are passed as numbers on the heap. How often it happens to each of these:
 */
const MOVES: Readonly<Record<string, number>> = {
  'get of 1,000 bytes': 1,
  'set of 1,000 bytes': 1,
  'set of 10,000 bytes': 1,
  'set of 700,000 bytes in chunks': 2,
}

function bytesPerRequest(...args: string[]): Record<string, number> {
  const output = execFileSync(process.execPath, [
    '--expose-gc',
    '--min-semi-space-size=64',
    '--max-semi-space-size=64',
    fileURLToPath(sources.url('protocol/allocation-probe.js')),
    ...args,
  ])
  return JSON.parse(output.toString())
}

describe('requests allocate nothing', () => {
  test.for([
    { where: 'in portable memory', args: [], moveBytes: 112, possible: true },
    { where: 'in native memory', args: ['--native'], moveBytes: 32, possible: hasSystemCalls() },
  ])('$where', { timeout: 300_000 }, ({ args, moveBytes, possible }, { skip }) => {
    skip(!possible, 'this platform has no direct system calls')
    const measured = bytesPerRequest(...args)
    expect(Object.keys(measured).length).toBeGreaterThan(55)
    const garbage = Object.entries(measured).filter(([name, bytes]) => {
      const explained = (MOVES[name] ?? 0) * moveBytes
      return bytes > explained + TOLERANCE_BYTES
    })
    expect(garbage).toEqual([])
  })
})
