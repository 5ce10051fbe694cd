import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockOf, set } from '../cache/cache-fixture.ts'
import { encodeBase64 } from './base64.ts'
import { type Client, Server } from './conversation.ts'

function dump(client: Client, request: string): string[] {
  return client.send(`lru_crawler ${request}\r\n`).split('\n').slice(0, -1)
}

/** The keys of a dump between its first and last line, sorted. */
function dumped(client: Client, request: string): string[] {
  return dump(client, request)
    .slice(1, -1)
    .map((line) => /^(?:key=|mg )(\S+)/.exec(line)?.[1] ?? line)
    .sort()
}

describe('metadump', () => {
  test('tells what is known of each item', () => {
    const server = new Server()
    const client = server.connect()
    client.send('set a 5 100 3\r\nabc\r\nset b 0 0 1\r\nx\r\nget b\r\n')
    server.cache.clock.tick(10)
    const unix = server.cache.clock.toUnix(server.cache.clock.now)
    const [ok, ...lines] = client.send('lru_crawler metadump all\r\n').split('\n')
    expect(ok).toBe('OK\r')
    expect(lines.sort()).toEqual([
      '',
      'END\r',
      `key=a exp=${unix + 90} la=${unix - 10} cas=1 fetch=no cls=1 size=67 flags=5 `,
      `key=b exp=-1 la=${unix - 10} cas=2 fetch=yes cls=1 size=61 flags=0 `,
    ])
  })

  test('writes keys so that they are one word of plain ASCII', () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 250 })
    fc.assert(
      fc.property(key, (bytes) => {
        const server = new Server()
        set(server.cache, Buffer.from(bytes).toString('latin1'), 'x')
        const [line] = dumped(server.connect(), 'metadump all')
        expect(line).toMatch(/^([A-Za-z0-9._~-]|%[0-9A-F]{2})+$/)
        const decoded = line.replace(/%(..)/g, (_, hex) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        )
        expect(Buffer.from(decoded, 'latin1')).toEqual(Buffer.from(bytes))
      }),
      { numRuns: 30 },
    )
  })

  test('leaves out what has expired or was flushed', () => {
    const server = new Server()
    const client = server.connect()
    client.send('set flushed 0 0 1\r\nx\r\nflush_all\r\n')
    client.send('set dead 0 1 1\r\nx\r\nset alive 0 100 1\r\nx\r\n')
    server.cache.clock.tick(3)
    expect(dumped(client, 'metadump all')).toEqual(['alive'])
  })

  test('of classes lists theirs only', () => {
    const client = new Server().connect()
    client.send(`set small 0 0 1\r\nx\r\nset large 0 0 500\r\n${'x'.repeat(500)}\r\n`)
    expect(dumped(client, 'metadump 1')).toEqual(['small'])
    expect(dumped(client, 'metadump 1,2,3,4,5,6,7,8,9')).toEqual(['large', 'small'])
    expect(dumped(client, 'metadump 2')).toEqual([])
    expect(dumped(client, 'metadump hash')).toEqual(['large', 'small'])
  })
})

describe('mgdump', () => {
  test('is a list of requests that fetch everything', () => {
    const client = new Server().connect()
    const base64: number[] = []
    encodeBase64(blockOf('\x01 \xff'), 0, 3, { byte: (value) => base64.push(value) })
    const binary = Buffer.from(base64).toString('latin1')
    client.send(`set plain 0 0 1\r\nx\r\nms ${binary} 1 b\r\nx\r\n`)
    const answer = client.send('lru_crawler mgdump all\r\n')
    expect(answer).toMatch(/^OK\r\n(mg [^\n]+\r\n)*EN\r\n$/)
    const requests = answer.split('\r\n').slice(1, -2)
    expect(requests.sort()).toEqual([`mg ${binary} b`, 'mg plain'].sort())
    for (const request of requests) expect(client.send(`${request}\r\n`)).toBe('HD\r\n')
  })
})

describe('a dump of very many items', () => {
  const COUNT = 20_000
  const NAMES = Array.from({ length: COUNT }, (_, n) => `key:${n}`)

  test('comes in parts, between which others are served, and misses none', () => {
    const server = new Server()
    for (const name of NAMES) set(server.cache, name, 'x')
    const client = server.connect()
    const other = server.connect()
    client.offer('lru_crawler mgdump all\r\nversion\r\n')
    let text = ''
    let parts = 0
    for (let more = true; more; ) {
      more = client.execute() || client.busy
      text += client.take(server.engine.reply).toString('latin1')
      server.engine.release(server.engine.reply)
      // The table grows while it is walked.
      for (let n = 0; n < 500; n++) set(server.cache, `${parts}:${n}`, 'x')
      expect(other.send('version\r\n')).toBe('VERSION 1.6.45\r\n')
      parts++
    }
    expect(parts).toBeGreaterThan(5)
    expect(text.endsWith('EN\r\nVERSION 1.6.45\r\n')).toBe(true)
    const keys = text.split('\r\n').flatMap((line) => /^mg (key:.*)/.exec(line)?.[1] ?? [])
    expect(keys.sort()).toEqual([...NAMES].sort())
  })

  test('costs nothing any more when the client has gone', () => {
    const server = new Server()
    for (const name of NAMES) set(server.cache, name, 'x')
    const client = server.connect()
    client.offer('lru_crawler metadump all\r\n')
    client.execute()
    server.engine.release(server.engine.reply)
    client.hangUp()
    server.check()
  })

  test('works also when the table may not grow, and its buckets are long', () => {
    const server = new Server({ hashPowerInitial: 4, hashExpansionEnabled: false })
    for (const name of NAMES) set(server.cache, name, 'x')
    expect(dumped(server.connect(), 'metadump all')).toEqual(
      NAMES.map((name) => name.replace(':', '%3A')).sort(),
    )
  })
})

describe('a dump is refused', () => {
  test('when other requests are to be answered before it', () => {
    const client = new Server().connect()
    expect(client.send('mg a v\r\nlru_crawler metadump all\r\n')).toBe(
      'EN\r\nERROR cannot pipeline other commands before metadump\r\n',
    )
    expect(client.send('mg a v q\r\nlru_crawler mgdump all\r\n')).toBe(
      'ERROR cannot pipeline other commands before mgdump\r\n',
    )
    expect(client.send('mg a v\r\nmn\r\nlru_crawler metadump all\r\nversion\r\n')).toBe(
      'EN\r\nMN\r\nOK\r\nEND\r\nVERSION 1.6.45\r\n',
    )
  })

  test('with -X', () => {
    const client = new Server({}, { dumpEnabled: false }).connect()
    expect(client.send('lru_crawler metadump all\r\n')).toBe('ERROR metadump not allowed\r\n')
    expect(client.send('lru_crawler mgdump all\r\n')).toBe('ERROR key dump not allowed\r\n')
  })
})
