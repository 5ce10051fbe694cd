import { describe, expect, test } from 'vitest'
import { makeCaller, type OperationRow, playBatch, takeRequests } from './caller-fixture.ts'
import { ServerFixture } from './server-fixture.ts'

const ONE_OF_EACH: readonly OperationRow[] = [
  ['get', 1],
  ['set', 2, 3, 60],
  ['delete', 3],
  ['incr', 4],
  ['append', 5, 4],
  ['touch', 6, 0, 3_000_000],
]

/** The requests of a batch, with `#` for each byte of a value. */
function textOf(caller: Parameters<typeof takeRequests>[0]): string {
  return takeRequests(caller)
    .toString('latin1')
    .replace(/(?<=(\d+)[^\r]*\r\n)[^ \r]+(?=\r\n)/g, (value) => '#'.repeat(value.length))
}

describe('a request on the wire', () => {
  test('is a line, or a line and a value, of classic', () => {
    const { caller } = makeCaller(ONE_OF_EACH)
    expect(caller.begin(100)).toBe(6)
    expect(textOf(caller)).toBe(
      'get key:1\r\n' +
        'set key:2 0 60 3\r\n###\r\n' +
        'delete key:3\r\n' +
        'incr nkey:4 1\r\n' +
        'append akey:5 0 0 4\r\n####\r\n' +
        'touch key:6 2592000\r\n',
    )
  })

  test('and of meta', () => {
    const { caller } = makeCaller(ONE_OF_EACH, { protocol: 'meta' })
    expect(caller.begin(100)).toBe(6)
    expect(textOf(caller)).toBe(
      'mg key:1 v\r\n' +
        'ms key:2 3 T60\r\n###\r\n' +
        'md key:3\r\n' +
        'ma nkey:4 N0 J1\r\n' +
        'ms akey:5 4 MA\r\n####\r\n' +
        'mg key:6 T2592000\r\n',
    )
  })

  test('is a packet of the binary protocol', () => {
    const { caller } = makeCaller(ONE_OF_EACH, { protocol: 'binary' })
    caller.begin(100)
    const packets: string[] = []
    let rest = takeRequests(caller)
    while (rest.length > 0) {
      const [extrasBytes, keyBytes] = [rest.readUInt8(4), rest.readUInt16BE(2)]
      const valueAt = 24 + extrasBytes + keyBytes
      const end = 24 + rest.readUInt32BE(8)
      const extras = rest.toString('hex', 24, 24 + extrasBytes)
      const key = rest.toString('latin1', 24 + extrasBytes, valueAt)
      const head = `${rest.toString('hex', 0, 2)} #${rest.readUInt32BE(12)}`
      packets.push(`${head} ${extras} ${key} ${end - valueAt}`)
      rest = rest.subarray(end)
    }
    expect(packets).toEqual([
      '800c #0  key:1 0',
      '8001 #1 000000000000003c key:2 3',
      '8004 #2  key:3 0',
      '8005 #3 0000000000000001000000000000000100000000 nkey:4 0',
      '800e #4  akey:5 4',
      '801c #5 00278d00 key:6 0',
    ])
  })

  test('of several keys goes to each server that has some', () => {
    const rows = [1, 2, 3, 5].map((key): OperationRow => ['get', key])
    const expected = {
      classic: ['get key:2\r\n', 'get key:1 key:3 key:5\r\n'],
      meta: ['mg key:2 v\r\n', 'mg key:1 k v q\r\nmg key:3 k v q\r\nmg key:5 k v q\r\nmn\r\n'],
    }
    for (const protocol of ['classic', 'meta'] as const) {
      const { caller } = makeCaller(rows, { protocol, servers: 2, keysPerGet: 4 })
      expect(caller.begin(10)).toBe(2)
      expect([0, 1].map((server) => takeRequests(caller, server).toString())).toEqual(
        expected[protocol],
      )
    }
  })

  test('has a value that depends on the key, and a key of at most 250 bytes', () => {
    const long = 'k'.repeat(250)
    const keySpace = {
      keys: 2,
      longest: 250,
      write: (_: number, to: Uint8Array, at: number) => at + Buffer.from(to.buffer).write(long, at),
    }
    const { caller } = makeCaller([['incr', 1]], { keySpace })
    caller.begin(1)
    expect(takeRequests(caller).toString()).toBe(`incr n${long.slice(1)} 1\r\n`)

    const sets = makeCaller([
      ['set', 1, 50],
      ['set', 2, 50],
      ['set', 1, 50],
    ])
    const server = new ServerFixture()
    playBatch(sets.caller, [server], 2)
    const [first, second] = [server.items.get('key:1')!, server.items.get('key:2')!]
    expect(first.equals(second)).toBe(false)
    playBatch(sets.caller, [server], 1)
    expect(server.items.get('key:1')).toEqual(first)
  })
})
