import { describe, expect, test } from 'vitest'
import { MEGABYTE } from '../cache/cache-fixture.ts'
import { type Client, Server } from './conversation.ts'
import { logLine } from './log-lines.ts'

/** What has been published since it was last asked for, without time and number. */
function lines({ cache }: Server): string[] {
  const texts: string[] = []
  const { end } = cache.events
  for (let event = cache.events.take(end); event; event = cache.events.take(end)) {
    texts.push(
      logLine(event)
        .replace(/^ts=\d+\.\d+ gid=\d+ /, '')
        .trimEnd(),
    )
  }
  return texts
}

/** A server that is watched, and a client. */
function watched(streams: string): [Server, Client] {
  const server = new Server()
  expect(server.connect().send(`watch ${streams}\r\n`)).toBe('')
  return [server, server.connect()]
}

describe('watch', () => {
  // The OK comes with the first lines, from whoever sends them.
  test.each([
    'watch',
    'watch fetchers',
    'watch rawcmds evictions fetchers mutations sysevents connevents',
    'watch proxyreqs proxyevents proxyuser deletions',
    'watch fetchers fetchers',
    'watch f m e',
  ])('%s takes a watcher', (command) => {
    const server = new Server()
    expect(server.connect().send(`${command}\r\n`)).toBe('')
    expect(server.cache.events.slots.count).toBe(1)
  })

  test.each([
    ['watch nonsense', 'ERROR'],
    ['watch fetchers nonsense', 'ERROR'],
    ['watch fetcherss', 'ERROR'],
    ['version\r\nwatch', 'VERSION 1.6.45\r\nERROR cannot pipeline other commands before watch'],
    ['set a 0 0 1 noreply\r\nx\r\nwatch', 'ERROR cannot pipeline other commands before watch'],
    ['mg a q\r\nwatch', 'ERROR cannot pipeline other commands before watch'],
  ])('%j is refused', (command, reply) => {
    const server = new Server()
    expect(server.connect().send(`${command}\r\n`)).toBe(`${reply}\r\n`)
    expect(server.cache.events.slots.count).toBe(0)
  })

  test('what came earlier on the connection is no matter', () => {
    const server = new Server()
    const client = server.connect()
    expect(client.send('version\r\nwat')).toBe('VERSION 1.6.45\r\n')
    expect(client.send('ch\r\n')).toBe('')
    expect(server.cache.events.slots.count).toBe(1)
  })

  test('a watcher is not listened to any more', () => {
    const server = new Server()
    const client = server.connect()
    expect(client.send('watch\r\nversion\r\nset a 0 0 1\r\n')).toBe('')
    expect(client.send('watch evictions\r\nversion\r\n')).toBe('')
    expect(server.cache.events.slots.count).toBe(1)
    expect(server.connect().send('get a\r\n')).toBe('END\r\n')
  })

  test('a twenty-first watcher is one too many', () => {
    const server = new Server()
    for (let i = 0; i < 20; i++) expect(server.connect().send('watch\r\n')).toBe('')
    const client = server.connect()
    expect(client.send('watch\r\n')).toBe('WATCHER_TOO_MANY log watcher limit reached\r\n')
    expect(client.send('version\r\n')).toBe('VERSION 1.6.45\r\n')
  })

  test('-W forbids it, whatever the streams', () => {
    const client = new Server({}, { watchEnabled: false }).connect()
    const reply = 'CLIENT_ERROR watch commands not allowed\r\n'
    expect(client.send('watch\r\n')).toBe(reply)
    expect(client.send('version\r\nwatch nonsense\r\n')).toBe(`VERSION 1.6.45\r\n${reply}`)
  })
})

describe('log lines', () => {
  const GET = (key: string, status: string, size = 0): string =>
    `type=item_get key=${key} status=${status} clsid=${status === 'found' ? 1 : 0} cfd=0 size=${size}`
  const STORE = (key: string, status: string, command: string, size: number, ttl = 0): string =>
    `type=item_store key=${key} status=${status} cmd=${command} ttl=${ttl} clsid=1 cfd=0 size=${size}`

  test('a vivified append is one: memcached 1.6.20 and later', () => {
    const [server, client] = watched('fetchers mutations')
    client.send('ms v 2 MA N30\r\nhi\r\nms v 1 MP N60\r\n!\r\n')
    expect(lines(server)).toEqual([
      GET('v', 'not_found'),
      STORE('v', 'stored', 'append', 2, 30),
      GET('v', 'found', 2),
      STORE('v', 'stored', 'prepend', 3, 30),
    ])
  })

  test('deletions: delete and md that find an item', () => {
    const [server, client] = watched('deletions')
    client.send('set a 0 0 3\r\nabc\r\nset b 0 0 2\r\nab\r\n')
    client.send('delete a\r\ndelete a\r\nmd b I\r\nmd b C1\r\nmd b q\r\nmd b\r\n')
    expect(lines(server)).toEqual([
      'type=deleted key=a cmd=delete clsid=1 size=3',
      'type=deleted key=b cmd=md clsid=1 size=2',
    ])
  })

  test('md x looks up, stores an empty item, and has deleted: memcached 1.6.27 and later', () => {
    const [server, client] = watched('fetchers mutations deletions')
    client.send('set a 0 0 3\r\nabc\r\n')
    lines(server)
    client.send('md a x\r\nmd a x I\r\n')
    const again = [GET('a', 'found', 0), GET('a', 'found', 0), STORE('a', 'stored', 'set', 0)]
    expect(lines(server)).toEqual([
      ...[GET('a', 'found', 3), GET('a', 'found', 3), STORE('a', 'stored', 'set', 0)],
      'type=deleted key=a cmd=md clsid=1 size=0',
      ...again,
    ])
  })

  test('a refused store has neither class nor size', () => {
    const [server, client] = watched('fetchers mutations')
    const tooLong = `${2 * MEGABYTE}\r\n${'x'.repeat(2 * MEGABYTE)}\r\n`
    const refused = (key: string, command: string): string =>
      `type=item_store key=${key} status=too_large cmd=${command} ttl=0 clsid=0 cfd=0 size=0`
    client.send(`add a 0 0 ${tooLong}`)
    expect(lines(server)).toEqual([refused('a', 'add')])
    client.send(`set a 0 0 ${tooLong}`)
    expect(lines(server)).toEqual([refused('a', 'set'), GET('a', 'not_found')])
    client.send(`ms a ${tooLong.replace('\r\n', ' C5\r\n')}`)
    expect(lines(server)).toEqual([refused('a', 'cas'), GET('a', 'not_found')])
  })

  test('a value that ends badly is no store', () => {
    const [server, client] = watched('mutations')
    client.send('set a 0 0 3\r\nabcde\r\n')
    expect(lines(server)).toEqual([])
  })

  test('a key in base64 is the key it stands for', () => {
    const [server, client] = watched('mutations')
    client.send('ms Zm9vIGJhcg== 2 b\r\nhi\r\n')
    expect(lines(server)).toEqual([STORE('foo%20bar', 'stored', 'set', 2)])
  })

  test('what a flush has killed is said to be flushed', () => {
    const [server, client] = watched('fetchers')
    client.send('set a 0 0 3\r\nabc\r\nflush_all\r\nget a\r\nget a\r\n')
    expect(lines(server).slice(1)).toEqual([GET('a', 'flushed'), GET('a', 'not_found')])
  })
})
