// lru and lru_crawler: what they answer, and that what they change is obeyed. The answers are those of
// memcached 1.6.45; test/server-operators.test.ts holds them against a real one.
import { describe, expect, test } from 'vitest'
import { set } from '../cache/cache-fixture.ts'
import { Crawler } from '../cache/crawler.ts'
import { COLD, HOT, TEMP, WARM } from '../cache/lru.ts'
import { Maintainer } from '../cache/maintainer.ts'
import { CURR_ITEMS } from '../cache/statistics.ts'
import { Server } from './conversation.ts'

describe('lru', () => {
  test('tune sets the shares and the ages of HOT and WARM', () => {
    const server = new Server()
    const client = server.connect()
    expect(client.send('lru tune 10 25 0.1 2.5\r\n')).toBe('OK\r\n')
    const { hotPercent, warmPercent, hotMaxFactor, warmMaxFactor } = server.cache.tuning
    expect([hotPercent, warmPercent, hotMaxFactor, warmMaxFactor]).toEqual([10, 25, 0.1, 2.5])
    expect(client.send('lru tune 10 25 1e-1 .5 noreply\r\n')).toBe('')
    expect(server.cache.tuning.warmMaxFactor).toBe(0.5)
  })

  test.each([
    ['lru tune 50 31 0.1 2', 'ERROR hot and warm pcts must not exceed 80'],
    ['lru tune 10 10 0 2', 'ERROR hot/warm age factors must be greater than 0'],
    ['lru tune 10 10 0.1 -1', 'ERROR hot/warm age factors must be greater than 0'],
    ['lru tune 10 10 0.1', 'ERROR'],
    ['lru tune x 10 0.1 2', 'ERROR'],
    ['lru tune -1 10 0.1 2', 'ERROR'],
    ['lru tune 10 10 x 2', 'ERROR'],
    ['lru', 'ERROR'],
    ['lru nonsense', 'ERROR'],
    ['lru mode', 'ERROR'],
    ['lru mode round', 'ERROR'],
    ['lru temp_ttl', 'ERROR'],
    ['lru temp_ttl x', 'ERROR'],
  ])('%s is answered with %s, and changes nothing', (request, answer) => {
    const server = new Server()
    expect(server.connect().send(`${request}\r\n`)).toBe(`${answer}\r\n`)
    const { hotPercent, warmPercent, hotMaxFactor, segmented } = server.cache.tuning
    expect([hotPercent, warmPercent, hotMaxFactor, segmented]).toEqual([20, 40, 0.2, true])
  })

  test('mode flat sends what comes to COLD, and what is in HOT and WARM after it', () => {
    const server = new Server()
    const { cache } = server
    const { lru } = cache
    const client = server.connect()
    for (let n = 0; n < 100; n++) set(cache, `old:${n}`, 'x')
    expect(lru.count(1 | HOT)).toBe(100)
    expect(client.send('lru mode flat\r\n')).toBe('OK\r\n')
    set(cache, 'new', 'x')
    expect(lru.count(1 | COLD)).toBe(1)
    cache.clock.tick(10)
    new Maintainer(cache).run()
    expect([HOT, WARM, COLD].map((segment) => lru.count(1 | segment))).toEqual([0, 0, 101])
    server.check()

    expect(client.send('lru mode segmented\r\n')).toBe('OK\r\n')
    set(cache, 'newest', 'x')
    expect(lru.count(1 | HOT)).toBe(1)
  })

  test('temp_ttl makes a TEMP list for what lives no longer than that, and ends it', () => {
    const server = new Server()
    const { cache } = server
    const client = server.connect()
    expect(client.send('lru temp_ttl 30\r\nset a 0 30 1\r\nx\r\nset b 0 31 1\r\nx\r\n')).toBe(
      'OK\r\nSTORED\r\nSTORED\r\n',
    )
    expect(cache.lru.count(1 | TEMP)).toBe(1)
    expect(client.send('lru temp_ttl -1\r\nset c 0 1 1\r\nx\r\n')).toBe('OK\r\nSTORED\r\n')
    expect(cache.tuning.temporaryTtlSeconds).toBeUndefined()
    expect(cache.lru.count(1 | TEMP)).toBe(1)
  })

  test('without the maintainer only the numbers can be tuned', () => {
    const client = new Server({ maintained: false, segmented: false }).connect()
    expect(client.send('lru mode segmented\r\nlru temp_ttl 5\r\nlru tune 1 1 1 1\r\n')).toBe(
      'ERROR\r\nERROR\r\nOK\r\n',
    )
  })
})

describe('lru_crawler', () => {
  test('crawl has the expired items of classes freed in the background', () => {
    let woken = 0
    const server = new Server({}, { wakeBackground: () => woken++ })
    const { cache } = server
    const crawler = new Crawler(cache)
    for (let n = 0; n < 30; n++) {
      set(cache, `dead:${n}`, 'x', { expiry: cache.clock.now + 1 })
      set(cache, `alive:${n}`, 'x')
    }
    cache.clock.tick(5)
    const client = server.connect()
    expect(client.send('lru_crawler crawl 1\r\nlru_crawler crawl 1\r\n')).toBe(
      'OK\r\nBUSY currently processing crawler request\r\n',
    )
    expect(woken).toBe(1)
    expect(client.send('stats\r\n')).toContain('STAT lru_crawler_running 1\r\n')
    while (crawler.run());
    expect(client.send('stats\r\n')).toContain('STAT lru_crawler_running 0\r\n')
    expect(cache.statistics.get(CURR_ITEMS)).toBe(30)
    expect(client.send('stats items\r\n')).toContain('STAT items:1:crawler_reclaimed 30\r\n')
    expect(client.send('lru_crawler crawl all\r\n')).toBe('OK\r\n')
    server.check()
  })

  test.each([
    ['crawl 0', 'BADCLASS invalid class id'],
    ['crawl 64', 'BADCLASS invalid class id'],
    ['crawl x', 'BADCLASS invalid class id'],
    ['crawl 1,all', 'BADCLASS invalid class id'],
    ['crawl 1,,2', 'OK'],
    ['crawl 63', 'OK'],
    ['crawl ,', 'NOTSTARTED no items to crawl'],
    ['crawl hash', 'ERROR an unknown error happened'],
    ['crawl', 'ERROR'],
    ['crawl 1 2', 'ERROR'],
    ['', 'ERROR'],
    ['nonsense', 'ERROR'],
    ['enable', 'ERROR failed to start lru crawler thread'],
    ['disable', 'OK'],
    ['sleep 1000000', 'OK'],
    ['sleep 1000001', 'CLIENT_ERROR sleep must be one second or less'],
    ['sleep -1', 'CLIENT_ERROR bad command line format'],
    ['tocrawl 0', 'OK'],
    ['tocrawl x', 'CLIENT_ERROR bad command line format'],
    ['metadump 0', 'BADCLASS invalid class id'],
    ['metadump ,', 'NOTSTARTED no items to crawl'],
    ['mgdump 1,x', 'BADCLASS invalid class id'],
  ])('%s is answered with %s', (request, answer) => {
    expect(new Server().connect().send(`lru_crawler ${request}\r\n`)).toBe(`${answer}\r\n`)
  })

  test('disabled, nothing is crawled and nothing dumped, until it is enabled', () => {
    const server = new Server({ crawlerEnabled: false })
    const client = server.connect()
    const disabled = 'CLIENT_ERROR lru crawler disabled\r\n'
    expect(client.send('lru_crawler crawl 1\r\n')).toBe(disabled)
    expect(client.send('lru_crawler metadump all\r\n')).toBe(disabled)
    expect(client.send('lru_crawler mgdump all\r\n')).toBe(disabled)
    expect(client.send('lru_crawler disable\r\nlru_crawler enable\r\n')).toBe('OK\r\nOK\r\n')
    expect(client.send('lru_crawler crawl 1\r\n')).toBe('OK\r\n')
  })

  test('sleep and tocrawl are for the next crawl', () => {
    const server = new Server()
    const { cache } = server
    const client = server.connect()
    expect(client.send('lru_crawler sleep 500\r\nlru_crawler tocrawl 10\r\n')).toBe('OK\r\nOK\r\n')
    expect(cache.tuning.crawlerSleepMicroseconds).toBe(500)
    for (let n = 0; n < 30; n++) set(cache, `dead:${n}`, 'x', { expiry: cache.clock.now + 1 })
    cache.clock.tick(5)
    client.send('lru_crawler crawl 1\r\n')
    const crawler = new Crawler(cache)
    while (crawler.run());
    expect(cache.statistics.get(CURR_ITEMS)).toBe(20)
  })
})
