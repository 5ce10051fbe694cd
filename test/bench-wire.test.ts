// The bench's callers over real sockets: what they count is what the server counts, and what they verify is true.
import { once } from 'node:events'
import { connect } from 'node:net'
import {
  type Caller,
  type KeySpace,
  OPERATIONS,
  type Operation,
  OperationCaller,
  type OperationCallerOptions,
  type OperationName,
  type OperationSource,
  Tally,
  ValueLedger,
} from '@memshard/bench'
import { describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'

const KEYS = 200
const DEPTH = 16
const CALLERS = 6
const OPERATIONS_EACH = 1_500

const keySpace: KeySpace = {
  keys: KEYS,
  longest: 'wire:199'.length,
  write(key, to, at) {
    return at + Buffer.from(to.buffer, to.byteOffset).write(`wire:${key}`, at, 'latin1')
  },
}

/** So many operations of these kinds, on keys and with sizes at random. */
function randomSource(
  seed: number,
  count: number,
  names: readonly OperationName[],
): OperationSource {
  let state = seed
  const below = (limit: number): number => {
    // A linear congruence, whose high bits are good enough (Numerical Recipes).
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  let left = count
  return {
    next(operation: Operation): boolean {
      if (left-- <= 0) return false
      operation.kind = OPERATIONS.indexOf(names[below(names.length)]!)
      operation.key = below(KEYS)
      operation.valueBytes = [0, 2, 12, 100, 1_000, 40_000][below(6)]!
      operation.ttl = below(3) === 0 ? 3_600 : 0
      return true
    },
  }
}

function listSource(rows: readonly (readonly [OperationName, number, number])[]): OperationSource {
  const left = [...rows]
  return {
    next(operation: Operation): boolean {
      const row = left.shift()
      if (row === undefined) return false
      const [name, key, valueBytes] = row
      Object.assign(operation, { kind: OPERATIONS.indexOf(name), key, valueBytes, ttl: 0 })
      return true
    },
  }
}

function makeCaller(
  options: Partial<OperationCallerOptions> & { source: OperationSource; tally: Tally },
): OperationCaller {
  return new OperationCaller({
    protocol: 'classic',
    keySpace,
    keysPerGet: 1,
    fillMisses: false,
    servers: 1,
    serverOf: () => 0,
    mayMiss: true,
    ...options,
  })
}

/** One batch after the other, until nothing is left to ask. */
async function play(caller: Caller, nodes: readonly RunningNode[]): Promise<void> {
  const sockets = nodes.map((node) => connect(node.port, node.host).setNoDelay(true))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  try {
    await new Promise<void>((resolve, reject) => {
      let outstanding = 0
      const begin = (): void => {
        outstanding = caller.begin(DEPTH)
        if (outstanding === 0) resolve()
        for (const [server, conversation] of caller.conversations.entries()) {
          const { output, unsentFrom, unsentTo } = conversation
          conversation.unsentFrom = unsentTo
          if (unsentFrom < unsentTo) {
            sockets[server]!.write(Buffer.from(output.subarray(unsentFrom, unsentTo)))
          }
        }
      }
      for (const [server, socket] of sockets.entries()) {
        const conversation = caller.conversations[server]!
        socket.once('error', reject)
        socket.once('end', () => reject(new Error('the server closed the connection')))
        socket.on('data', (bytes) => {
          outstanding -= conversation.read(bytes, bytes.length)
          if (conversation.broken !== undefined) reject(new Error(conversation.broken))
          else if (outstanding === 0) begin()
        })
      }
      begin()
    })
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function statistics(node: RunningNode): Promise<Map<string, number>> {
  const socket = connect(node.port, node.host)
  socket.end('stats\r\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return new Map(
    [...text.matchAll(/^STAT (\S+) (\d+)\r$/gm)].map(([, name, value]) => [name!, Number(value)]),
  )
}

describe.each(['memcached', 'memshard'] as const)('against %s', (server) => {
  describe.each(['classic', 'meta', 'binary'] as const)('over %s', (protocol) => {
    test.each([1, 5])(
      'all kinds are counted as the server counts, %i keys per get',
      async (keysPerGet) => {
        await using node = await startNode({ server, args: ['-m', '256'] })
        const tally = new Tally()
        const ledger = new ValueLedger(ValueLedger.memory(KEYS))
        const callers = Array.from({ length: CALLERS }, (_, index) =>
          makeCaller({
            protocol,
            keysPerGet,
            fillMisses: true,
            ledger,
            tally,
            source: randomSource(index + 1, OPERATIONS_EACH, OPERATIONS),
          }),
        )

        await Promise.all(callers.map((caller) => play(caller, [node])))

        expect([...tally.complaints]).toEqual([])
        expect(tally).toMatchObject({ errors: 0, mismatches: 0 })
        const all = await statistics(node)
        const stat = (name: string): number => all.get(name)!
        // An mg that is to touch, and finds nothing, is a get.
        const missedTouches = protocol === 'meta' ? tally.touches - stat('touch_hits') : 0
        expect(stat('cmd_touch')).toBe(tally.touches - missedTouches)
        expect(stat('cmd_get')).toBe(tally.gets + missedTouches)
        expect(stat('get_misses')).toBe(tally.misses + missedTouches)
        expect(stat('delete_hits') + stat('delete_misses')).toBe(tally.deletes)
        // A number that is created by what counts it is neither found nor missed.
        const created = tally.incrs - stat('incr_hits') - stat('incr_misses')
        expect(created).toBeGreaterThanOrEqual(0)
        expect(created).toBeLessThanOrEqual(protocol === 'classic' ? 0 : KEYS)
        expect(stat('cmd_set')).toBe(tally.sets + tally.appends)
        for (const name of OPERATIONS) {
          expect(tally.operations[OPERATIONS.indexOf(name)]).toBeGreaterThan(OPERATIONS_EACH / 2)
        }
      },
    )

    test('a value that is refused is an error, and the next requests are in step', async () => {
      await using node = await startNode({ server })
      const tally = new Tally()
      const source = listSource([
        ['set', 1, 3_000_000],
        ['get', 1, 0],
        ['set', 2, 10],
        ['get', 2, 0],
      ])
      await play(makeCaller({ protocol, source, tally }), [node])
      expect(tally).toMatchObject({ errors: 1, sets: 1, gets: 2, misses: 1 })
      expect([...tally.complaints].join()).toMatch(/too large/i)
    })

    test('a value that somebody else has stored is told', async () => {
      await using node = await startNode({ server })
      const tally = new Tally()
      const ledger = new ValueLedger(ValueLedger.memory(KEYS))
      const options = { protocol, tally, ledger }
      await play(makeCaller({ ...options, source: listSource([['set', 7, 20]]) }), [node])
      const other = connect(node.port, node.host)
      other.write('set wire:7 0 0 20\r\nabcdefghijklmnopqrst\r\n')
      expect(String((await once(other, 'data'))[0])).toBe('STORED\r\n')
      other.destroy()
      await play(makeCaller({ ...options, source: listSource([['get', 7, 0]]) }), [node])
      expect(tally).toMatchObject({ gets: 1, misses: 0, errors: 1, mismatches: 1 })
      expect([...tally.complaints].join()).toContain('key "wire:7" holds 20 bytes')
    })
  })
})

test('keys are shared out among several servers', async () => {
  await using first = await startNode({ server: 'memcached' })
  await using second = await startNode({ server: 'memshard' })
  const tally = new Tally()
  const caller = makeCaller({
    tally,
    ledger: new ValueLedger(ValueLedger.memory(KEYS)),
    source: randomSource(9, 3_000, ['get', 'set']),
    keysPerGet: 8,
    servers: 2,
    serverOf: (key) => key % 2,
  })
  await play(caller, [first, second])
  expect(tally).toMatchObject({ errors: 0, mismatches: 0 })
  const counts = await Promise.all([first, second].map(statistics))
  const total = (name: string): number => counts[0]!.get(name)! + counts[1]!.get(name)!
  expect(total('cmd_get')).toBe(tally.gets)
  expect(total('cmd_set')).toBe(tally.sets)
  for (const count of counts) expect(count.get('cmd_get')).toBeGreaterThan(500)
})
