// What -m promises: far more than fits is written, old items make room, and the process stays within -m
// plus the overhead stated here.
import { describe, expect, test } from 'vitest'
import { type RunningNode, startNode } from './nodes.ts'
import { MIB, residentBytes } from './process-memory.ts'
import { DIRECT_TRANSPORTS } from './transports.ts'
import { statistics, Wire } from './wire.ts'

/**
 * What a process needs besides its items: 72 MiB for Node.js and our code (45 of them the executable's
 * pages, which all its processes share), and 16 MiB for each thread's isolate, buffers and garbage not
 * collected yet; the node transport, which copies what it sends and receives, leaves more of that.
 * Measured after the fill below, less -m: 58 MiB with -t 1, 98 with -t 4, 88 over node;
 * on Node 26: 66, 126 and 147.
 */
function overheadBytes(transport: string, threads: number): number {
  return (72 + (transport === 'node' ? 116 : 16 * threads)) * MIB
}
/**
 * Resident at idle: 41 MiB with -t 1 and 79 with -t 4, on Node 26 51 and 89; over node, which keeps the
 * executable's pages, 75.
 */
function idleBytes(transport: string, threads: number): number {
  return (transport === 'node' ? 100 : 57 + 9.5 * threads) * MIB
}
/** A class may take its first page past the limit, as in memcached; there are at most 63 classes. */
const FIRST_PAGES_BYTES = 63 * MIB

const LIMIT_MEGABYTES = 64
const FILL_BYTES = 400 * MIB
const KEYS = 60_000
const LARGEST_BYTES = 1_048_000
const FILLER = Buffer.alloc(LARGEST_BYTES, 'memory ')

const DEADLINE_MS = 120_000

describe.each([
  ...DIRECT_TRANSPORTS.flatMap((transport) => [
    { transport, threads: 1 },
    { transport, threads: 4 },
  ]),
  { transport: 'node', threads: 1 },
])('-m 64 -t $threads over $transport', ({ transport, threads }) => {
  const args = ['-m', String(LIMIT_MEGABYTES), '-t', String(threads), '--transport', transport]

  test('filling far past -m evicts and stays within it', { timeout: DEADLINE_MS }, async () => {
    await using node = await startNode({ args })
    const limit = LIMIT_MEGABYTES * MIB
    // What the start alone needed is given back when all threads serve: shortly after the first one does.
    await expect
      .poll(() => residentBytes(node.pid), { timeout: 10_000 })
      .toBeLessThan(idleBytes(transport, threads))

    await fill(node, FILL_BYTES, 10, LARGEST_BYTES)
    const full = await statistics(node)
    expect(Number(full.get('limit_maxbytes'))).toBe(limit)
    expect(Number(full.get('bytes'))).toBeLessThanOrEqual(limit)
    // Of what the classes hold most is items: the memory is used, not only kept.
    expect(Number(full.get('bytes'))).toBeGreaterThan(limit / 2)
    expect(Number(full.get('evictions'))).toBeGreaterThan(100)
    expect(Number(full.get('curr_items'))).toBeGreaterThan(100)
    const resident = residentBytes(node.pid)
    expect(resident).toBeGreaterThan(limit / 2)
    expect(resident).toBeLessThan(limit + overheadBytes(transport, threads))

    // Another shape of items finds its memory too, and churn leaves nothing behind.
    await fill(node, FILL_BYTES / 16, 10, 400)
    await fill(node, FILL_BYTES / 4, 10, LARGEST_BYTES)
    const slabs = await statistics(node, 'slabs')
    expect(Number(slabs.get('total_malloced'))).toBeLessThanOrEqual(limit + FIRST_PAGES_BYTES)
    expect(residentBytes(node.pid)).toBeLessThan(limit + overheadBytes(transport, threads))

    await using wire = await Wire.connect(node)
    expect(await wire.say('flush_all\r\n')).toBe('OK\r\n')
    expect(await wire.say('set a 0 0 1\r\nx\r\nget a\r\n')).toBe(
      'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
    )
  })
})

test('-M: when memory is full a store fails, and what is there stays', async () => {
  await using node = await startNode({ args: ['-M', '-m', '4', '-t', '1'] })
  await using wire = await Wire.connect(node)
  const value = 'v'.repeat(10_000)
  let stored = 0
  let answer = ''
  for (;;) {
    answer = await wire.say(`set full-${stored} 0 0 ${value.length}\r\n${value}\r\n`)
    if (answer !== 'STORED\r\n' || stored > 10_000) break
    stored++
  }
  expect(answer).toBe('SERVER_ERROR out of memory storing object\r\n')
  expect(stored).toBeGreaterThan(200)
  expect(await wire.say(`add full-0 0 0 ${value.length}\r\n${value}\r\n`)).toBe(
    'SERVER_ERROR out of memory storing object\r\n',
  )
  expect(await wire.say(`set more 0 0 ${value.length} noreply\r\n${value}\r\n`)).toBe('')
  // In a refused set the old value goes: it must not be taken for the new one.
  expect(await wire.say('get full-1\r\n')).toMatch(/^VALUE full-1 0 10000\r\n/)
  expect(await wire.say(`set full-1 0 0 ${value.length}\r\n${value}\r\n`)).toMatch(/^SERVER_ERROR /)
  expect(await wire.say('get full-1\r\n')).toBe('END\r\n')
  // Now there is room for one.
  expect(await wire.say(`set more 0 0 ${value.length}\r\n${value}\r\n`)).toBe('STORED\r\n')
  const stats = await statistics(node)
  expect(Number(stats.get('evictions'))).toBe(0)
  expect(Number(stats.get('store_no_memory'))).toBeGreaterThanOrEqual(4)
})

test('a size never seen before has its page even when memory is full', async () => {
  await using node = await startNode({ args: ['-M', '-m', '2', '-t', '1'] })
  await using wire = await Wire.connect(node)
  const value = 'v'.repeat(100)
  for (let i = 0; ; i++) {
    const answer = await wire.say(`set full-${i} 0 0 ${value.length}\r\n${value}\r\n`)
    if (answer.startsWith('SERVER_ERROR')) break
    expect(i).toBeLessThan(50_000)
  }
  for (const length of [300, 1_000, 10_000, 100_000, 400_000]) {
    expect(await wire.say(`set of-${length} 0 0 ${length}\r\n${'v'.repeat(length)}\r\n`)).toBe(
      'STORED\r\n',
    )
  }
})

describe('values of several chunks, when the chunks run out on the way', () => {
  const LENGTH = 600_000

  /** Begins stores until one is refused; the others stay half done. */
  async function exhaust(node: RunningNode, wires: Wire[], other: Wire): Promise<void> {
    for (let i = 0; ; i++) {
      expect(i).toBeLessThan(50)
      const wire = await Wire.connect(node)
      wire.send(`set large-${i} 0 0 ${LENGTH}\r\n${'v'.repeat(100_000)}`)
      wires.push(wire)
      // An answer here means that the one before was looked at, or will be soon.
      await other.ask('version\r\n')
      if (wires.some(({ waiting }) => waiting > 0)) return
    }
  }

  test.each([
    ['is refused and swallowed', '', 'SERVER_ERROR Out of memory during read\r\n'],
    ['is swallowed without a word under noreply', ' noreply', ''],
  ])('a store %s', async (_, noreply, expected) => {
    await using node = await startNode({ args: ['-m', '2', '-t', '1'] })
    await using wire = await Wire.connect(node)
    const wires: Wire[] = []
    try {
      await exhaust(node, wires, wire)
      await using late = await Wire.connect(node)
      late.send(`set late 0 0 ${LENGTH}${noreply}\r\n${'v'.repeat(100_000)}`)
      expect(await late.say(`${'v'.repeat(LENGTH - 100_000)}\r\n`)).toBe(expected)
    } finally {
      for (const each of wires) each.destroy()
    }
    // The half-done ones gave back what they held.
    await expect
      .poll(async () => wire.say(`set again 0 0 ${LENGTH}\r\n${'v'.repeat(LENGTH)}\r\n`))
      .toBe('STORED\r\n')
  })
})

/** Sets, overwrites and deletes until so many bytes of values were sent, sizes spread over magnitudes. */
async function fill(
  node: RunningNode,
  bytes: number,
  smallest: number,
  largest: number,
): Promise<void> {
  let sent = 0
  let next = 0
  let total = 0
  let refused = 0
  const work = async (): Promise<void> => {
    await using wire = await Wire.connect(node)
    while (sent < bytes) {
      const request: Buffer[] = []
      let commands = 0
      let length = 0
      while (length < 500_000 && commands < 2_000) {
        const size = Math.floor(smallest * (largest / smallest) ** fraction(next))
        const key = `key-${next++ % KEYS}`
        request.push(Buffer.from(`set ${key} 0 0 ${size}\r\n`), FILLER.subarray(0, size), CRLF)
        if (commands++ % 5 === 0) request.push(Buffer.from(`delete key-${(next * 7) % KEYS}\r\n`))
        length += size
      }
      sent += length
      const answers = (await wire.say(Buffer.concat(request))).split('\r\n')
      const stored = answers.filter((answer) => answer === 'STORED').length
      const outOfMemory = answers.filter((answer) =>
        /^SERVER_ERROR out of mem/i.test(answer),
      ).length
      expect(stored + outOfMemory).toBe(commands)
      total += commands
      refused += outOfMemory
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  // Values under way at once can hold all the chunks of a class that has few, in memcached too.
  expect(refused).toBeLessThan(total / 50)
}

const CRLF = Buffer.from('\r\n')

/** Even over 0..1, in no order: multiples of the golden ratio. */
function fraction(index: number): number {
  return (index * 0.618033988749895) % 1
}
