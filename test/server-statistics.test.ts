// What stats count: the same session moves the same counters by the same amounts in memcached 1.6.18 and
// in our server over each transport.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NodeOptions, type RunningNode, startNode } from './nodes.ts'
import { missing } from './peers.ts'
import { DIRECT_TRANSPORTS } from './transports.ts'
import { statistics, Wire } from './wire.ts'

/** A bit of everything, answered or not. */
const SESSION = [
  'set a 0 0 1\r\n1\r\nset b 5 0 3\r\nabc\r\nset b 0 0 3 noreply\r\nabc\r\n',
  'add a 0 0 1\r\nx\r\nadd c 0 0 1\r\nx\r\nreplace nope 0 0 1\r\nx\r\nappend b 0 0 1\r\nd\r\n',
  'get a\r\nget a b nope\r\ngets a\r\nget nope\r\n',
  'gat 100 a nope\r\ngats 0 b\r\ntouch a 0\r\ntouch nope 0\r\n',
  'incr a 5\r\nincr nope 1\r\ndecr a 1\r\ndecr nope 1\r\nincr b 1\r\n',
  'delete c\r\ndelete c\r\n',
  'cas nope 0 0 1 1\r\nx\r\ncas a 0 0 1 999999\r\nx\r\n',
  `set big 0 0 2000000\r\n${'v'.repeat(2_000_000)}\r\n`,
  'mg a v\r\nmg nope v\r\nmg a T100\r\nms d 1\r\nx\r\nmd d\r\nmd d\r\nma a\r\nma nope\r\nme a\r\n',
  'set dead 0 -1 1\r\nx\r\nget dead\r\n',
  'mg nope T100\r\nmg made N100 v\r\nmg made-too N10 T100 v\r\n',
  // A stale store is a hit of its CAS; an append that has no room is no store without memory.
  'ms f 1\r\nx\r\nmd f I\r\nms f 1 C1 I\r\ny\r\n',
  `set g 0 0 1000000\r\n${'v'.repeat(1_000_000)}\r\nappend g 0 0 100000\r\n${'v'.repeat(100_000)}\r\n`,
  'bogus\r\nverbosity 0\r\nversion\r\n',
]

/**
 * What the session moves them by, as memcached 1.6.18 counts. Not `total_items`: there, an increment of an
 * item that a reply or the LRU thread has in hand makes another one.
 */
const EXPECTED = {
  cmd_get: 11,
  cmd_set: 15,
  cmd_flush: 0,
  cmd_touch: 7,
  cmd_meta: 1,
  get_hits: 6,
  get_misses: 5,
  get_expired: 1,
  delete_hits: 2,
  delete_misses: 2,
  incr_hits: 2,
  incr_misses: 2,
  decr_hits: 1,
  decr_misses: 1,
  cas_hits: 1,
  cas_misses: 1,
  cas_badval: 1,
  touch_hits: 5,
  touch_misses: 2,
  store_too_large: 1,
  store_no_memory: 0,
  curr_items: 6,
  evictions: 0,
}

interface Server {
  readonly name: string
  readonly options: NodeOptions
  readonly missing?: string | undefined
}

const SERVERS: readonly Server[] = [
  {
    name: 'memcached 1.6.18',
    options: { server: 'memcached' },
    missing: missing('memcached'),
  },
  ...DIRECT_TRANSPORTS.map((transport) => ({
    name: `ours over ${transport}`,
    options: { args: ['--transport', transport, '-t', '4'] },
  })),
  { name: 'ours over node', options: { args: ['--transport', 'node'] } },
]

describe.each(SERVERS)('$name', (server) => {
  let node: RunningNode

  beforeAll(async () => {
    if (server.missing === undefined) node = await startNode(server.options)
  })
  afterAll(() => node?.stop('SIGKILL'))

  test('counts a session', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    const before = await statistics(node)
    await using wire = await Wire.connect(node)
    for (const requests of SESSION) await wire.ask(requests)
    const after = await statistics(node)
    const moved = Object.fromEntries(
      Object.keys(EXPECTED).map((name) => [
        name,
        Number(after.get(name)) - Number(before.get(name)),
      ]),
    )
    // The fences of the conversations are deletes that miss: those above, and that of the second stats.
    const fences = SESSION.length + 1
    expect({ ...moved, delete_misses: (moved.delete_misses ?? 0) - fences }).toEqual(EXPECTED)
    expect(Number(after.get('bytes_read')) - Number(before.get('bytes_read'))).toBeGreaterThan(
      SESSION.join('').length,
    )
  })

  test('stats reset clears what was counted and keeps what is there', async ({ skip }) => {
    skip(server.missing !== undefined, server.missing)
    await using wire = await Wire.connect(node)
    await wire.ask('set kept 0 0 1\r\nx\r\nget kept\r\n')
    const before = await statistics(node)
    expect(await wire.say('stats reset\r\n')).toBe('RESET\r\n')
    const after = await statistics(node)
    for (const name of [
      'cmd_get',
      'cmd_set',
      'get_hits',
      'get_misses',
      'total_items',
      'incr_hits',
    ]) {
      expect(after.get(name), name).toBe('0')
    }
    for (const name of ['curr_items', 'bytes', 'limit_maxbytes', 'threads', 'pid']) {
      expect(after.get(name), name).toBe(before.get(name))
    }
  })
})

/** Gone between 1.6.18 and the release we match, or of Debian's build with extstore and TLS. */
const NOT_OURS = /^(slab_reassign_evictions_nomem|ext_.*|slab_automove_freeratio|ssl_.*)$/

test('our stats have the names that memcached’s have', async ({ skip }) => {
  const reason = missing('memcached')
  skip(reason !== undefined, reason)
  await using theirs = await startNode({ server: 'memcached' })
  await using ours = await startNode()
  for (const node of [theirs, ours]) {
    await using wire = await Wire.connect(node)
    await wire.ask('set a 0 0 1\r\nx\r\nget a\r\n')
  }
  for (const report of ['', 'settings', 'items', 'slabs']) {
    const known = [...(await statistics(ours, report)).keys()]
    const lacking = [...(await statistics(theirs, report)).keys()].filter(
      (name) => !known.includes(name) && !NOT_OURS.test(name),
    )
    expect(lacking, `stats ${report}`).toEqual([])
  }
})
