// What one thread does for all watchers, with sockets that take as much as a test wants them to.
import { describe, expect, test } from 'vitest'
import type { Cache } from '../cache/cache.ts'
import { find, makeCache, set } from '../cache/cache-fixture.ts'
import { FETCHERS, MUTATIONS } from '../cache/event-log.ts'
import { LOG_WATCHER_SENT, LOG_WATCHER_SKIPPED } from '../cache/statistics.ts'
import type { WatcherSocket } from './watcher.ts'
import { Watchers } from './watchers.ts'

class Client implements WatcherSocket {
  received = ''
  /** What the socket takes from now on. */
  room = Number.POSITIVE_INFINITY
  gone = false
  closed = false

  send({ bytes }: { readonly bytes: Uint8Array }, from: number, length: number): number {
    if (this.gone) return -1
    const sent = Math.min(this.room, length)
    this.room -= sent
    this.received += Buffer.from(bytes.subarray(from, from + sent)).toString('latin1')
    return sent
  }

  ignoreInput(): boolean {
    return !this.gone
  }

  close(): void {
    this.closed = true
  }

  /** The lines after OK; the last must be whole. */
  get lines(): string[] {
    const [greeting, rest] = [this.received.slice(0, 4), this.received.slice(4)]
    expect(greeting).toBe('OK\r\n')
    if (rest === '') return []
    expect(rest.endsWith('\n')).toBe(true)
    return rest.slice(0, -1).split('\n')
  }
}

class Stand {
  readonly cache: Cache = makeCache()
  readonly watchers: Watchers
  readonly #clients: Client[] = []

  constructor(bufferBytes = 4096) {
    this.watchers = new Watchers(this.cache, bufferBytes, (number) => this.#clients[number - 1])
  }

  watch(streams: number): Client {
    return this.handOver(this.cache.events.addWatcher(streams))
  }

  handOver(slot: number): Client {
    const client = new Client()
    this.cache.events.slots.handOver(slot, this.#clients.push(client))
    return client
  }

  fetch(keys: number): void {
    for (let i = 0; i < keys; i++) find(this.cache, `key-${i}`)
  }
}

test('each watcher gets the lines of its streams, from its beginning on', () => {
  const stand = new Stand()
  const early = stand.watch(FETCHERS)
  stand.fetch(1)
  const late = stand.watch(FETCHERS | MUTATIONS)
  set(stand.cache, 'a', 'x')
  stand.watchers.run()
  expect(early.lines.map((line) => /key=(\S+)/.exec(line)?.[1])).toEqual(['key-0', 'a'])
  expect(late.lines).toEqual([
    expect.stringContaining('type=item_get key=a'),
    expect.stringContaining('type=item_store key=a'),
  ])
  expect(stand.cache.statistics.get(LOG_WATCHER_SENT)).toBe(4)
})

test('nothing is written to a client before it was handed over, and nothing is lost meanwhile', () => {
  const stand = new Stand()
  const slot = stand.cache.events.addWatcher(FETCHERS)
  stand.fetch(3)
  stand.watchers.run()
  const client = stand.handOver(slot)
  stand.watchers.run()
  expect(client.lines).toHaveLength(3)
})

describe('a slow watcher', () => {
  test('is told how many lines it has missed, once it takes some again', () => {
    const stand = new Stand()
    const client = stand.watch(FETCHERS)
    client.room = 0
    stand.fetch(1000)
    stand.watchers.run()
    expect(client.received).toBe('')
    const skipped = stand.cache.statistics.get(LOG_WATCHER_SKIPPED)
    const sent = stand.cache.statistics.get(LOG_WATCHER_SENT)
    expect(sent).toBeGreaterThan(10)
    expect(sent * 70).toBeLessThan(4096)
    expect(sent + skipped).toBe(1000)
    client.room = Number.POSITIVE_INFINITY
    // Neither these are lost, though there was no room for them when the last round ended.
    stand.fetch(2)
    stand.watchers.run()
    expect(client.lines).toHaveLength(sent + 1 + 2)
    expect(client.lines[sent]).toBe(`skipped=${skipped}`)
    expect(client.lines.at(-1)).toContain('key=key-1 ')
  })

  test('learns what it has missed also when nothing further happens', () => {
    const stand = new Stand()
    const client = stand.watch(FETCHERS)
    client.room = 0
    stand.fetch(1000)
    stand.watchers.run()
    client.room = Number.POSITIVE_INFINITY
    stand.watchers.run()
    stand.watchers.run()
    expect(client.lines.at(-1)).toMatch(/^skipped=[1-9]\d*$/)
    stand.watchers.run()
    expect(client.lines.filter((line) => line.startsWith('skipped='))).toHaveLength(1)
  })

  test('gets whole lines, however little it takes at a time', () => {
    const stand = new Stand()
    const client = stand.watch(FETCHERS)
    let told = 0
    for (let room = 1; told < 3000; room = (room * 7) % 211) {
      client.room = room
      stand.fetch(5)
      told += 5
      stand.watchers.run()
    }
    client.room = Number.POSITIVE_INFINITY
    stand.watchers.run()
    const [skips, lines] = [
      client.lines.filter((line) => line.startsWith('skipped=')),
      client.lines.filter((line) => /^ts=\d+\.\d+ gid=\d+ type=item_get key=key-\d /.test(line)),
    ]
    expect(skips.length + lines.length).toBe(client.lines.length)
    expect(skips.length).toBeGreaterThan(0)
    const missed = skips.reduce((sum, line) => sum + Number(line.slice('skipped='.length)), 0)
    expect(missed + lines.length).toBeLessThanOrEqual(told)
    // What was skipped after the last line it got, it has not been told yet.
    expect(stand.cache.statistics.get(LOG_WATCHER_SKIPPED)).toBe(told - lines.length)
  })

  test('takes nothing from the others', () => {
    const stand = new Stand()
    const slow = stand.watch(FETCHERS)
    const quick = stand.watch(FETCHERS)
    slow.room = 0
    stand.fetch(500)
    stand.watchers.run()
    expect(quick.lines).toHaveLength(500)
  })
})

describe('a watcher that has gone', () => {
  test.each(['before it was told anything', 'with lines waiting'])('%s leaves its slot', (when) => {
    const stand = new Stand()
    const client = stand.watch(FETCHERS)
    if (when === 'with lines waiting') {
      client.room = 10
      stand.fetch(5)
    }
    stand.watchers.run()
    client.gone = true
    stand.watchers.run()
    expect(client.closed).toBe(true)
    expect(stand.cache.events.slots.count).toBe(0)
    expect(stand.cache.events.slots.active).toBe(0)
    const next = stand.watch(FETCHERS)
    stand.fetch(1)
    stand.watchers.run()
    expect(next.lines).toHaveLength(1)
  })
})

test('the pause is short while there is something to tell, and never long while somebody watches', () => {
  const stand = new Stand()
  expect(stand.watchers.run()).toBeGreaterThan(500)
  stand.watch(FETCHERS)
  stand.fetch(1)
  expect(stand.watchers.run()).toBeLessThanOrEqual(20)
  for (let i = 0; i < 50; i++) expect(stand.watchers.run()).toBeLessThanOrEqual(20)
})
