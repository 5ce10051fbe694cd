import { expect, test } from 'vitest'
import { MIX_DEPTH, recordMixedTape } from './mixed-tape.ts'
import type { Tape } from './tape.ts'
import { DEFAULT_WORKLOAD } from './workload.ts'

function firstBatch({ requests, requestStart }: Tape): string[] {
  return Array.from({ length: MIX_DEPTH }, (_, index) =>
    Buffer.from(requests.subarray(requestStart[index], requestStart[index + 1])).toString('latin1'),
  )
}

test('a batch of text has each kind of request', () => {
  const tape = recordMixedTape(DEFAULT_WORKLOAD, 'text')
  const verbs = firstBatch(tape).map((request) => request.split(' ')[0])
  for (const verb of 'get set mg ms touch gat incr decr append ma delete md'.split(' ')) {
    expect(verbs).toContain(verb)
  }
  expect(tape.length % MIX_DEPTH).toBe(0)
})

test('a batch of packets has requests with their lengths in the header', () => {
  const requests = firstBatch(recordMixedTape(DEFAULT_WORKLOAD, 'binary'))
  for (const request of requests) {
    const bytes = Buffer.from(request, 'latin1')
    let at = 0
    while (at < bytes.length) {
      expect(bytes[at]).toBe(0x80)
      at += 24 + bytes.readUInt32BE(at + 8)
    }
    expect(at).toBe(bytes.length)
  }
})
