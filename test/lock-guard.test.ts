// Nobody touches what threads share without the lock, but for what docs/LOCKS.md says of it: a server whose every method
// in cache/ asks whether its thread has the lock is sent every command there is, and the corpus of the fuzzer.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority } from './certificates.ts'
import { UNLOCKED } from './locking/guard.ts'
import { freePort } from './nodes.ts'
import { served, start } from './processes.ts'
import { REPOSITORY } from './repository.ts'
import { TRANSPORTS } from './transports.ts'
import { statistics, Wire } from './wire.ts'

const GUARDED_SERVER = join(REPOSITORY, 'test/dist/locking/guarded-server.js')
const CORPUS = join(REPOSITORY, 'test/fuzz/corpus')
/** Of each kind of the corpus, evenly. */
const INPUTS = 25
const LARGE = 'x'.repeat(900_000)

/** What may be asked without the lock, each as docs/LOCKS.md says why. */
const ALLOWED: ReadonlySet<string> = new Set([
  // One reader of the event ring, and hints of whether somebody watches.
  'EventLog.end',
  'EventLog.take',
  'EventLog.watched',
  'EventRing.drop',
  'EventRing.end',
  'EventRing.first',
  'WatchSlots.active',
  'WatchSlots.client',
  'WatchSlots.count',
  'WatchSlots.firstId',
  'WatchSlots.handOver',
  'WatchSlots.logged',
  'WatchSlots.streams',
  // Hints: whether it is worth to take the lock, or to look ahead.
  'Crawl.running',
  'HashTable.count',
  'HashTable.load',
  'HashTable.candidate',
  'Lru.countOfClass',
  'PageMoves.pending',
  // What an operator may change.
  'Tuning.crawlerEnabled',
  'Tuning.crawlerSleepMicroseconds',
  'Tuning.slabAutomove',
  // Before the threads serve: the automover's first look.
  'SlabPages.count',
  'Statistics.ofClass',
  'Tuning.slabAutomoveRatio',
  'Tuning.slabAutomoveWindow',
])

/** By commands as a user sends them; what must come while others are there. */
const COMMANDS = [
  'set a 0 0 1\r\n1\r\n',
  `set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`,
  'get a large none\r\n',
  'gets a\r\ngat 100 a\r\ntouch a 100\r\nincr a 5\r\ndecr a 1\r\n',
  'append a 0 0 1\r\n2\r\nprepend a 0 0 1\r\n3\r\nadd b 0 0 1\r\nx\r\nreplace b 0 0 1\r\ny\r\n',
  'cas a 0 0 1 1\r\nx\r\ndelete b\r\n',
  'mg a v t f c k s\r\nms m 2 T60\r\nhi\r\nma counter N0 J1\r\nmd m q\r\nmn\r\nme a\r\n',
  'stats\r\nstats settings\r\nstats items\r\nstats slabs\r\nstats sizes\r\nstats conns\r\n',
  'stats detail on\r\nget p:a\r\nstats detail dump\r\nstats detail off\r\n',
  'stats cachedump 1 10\r\nlru_crawler metadump all\r\n',
  'lru_crawler enable\r\nlru_crawler crawl all\r\nlru mode segmented\r\nlru tune 20 40 0.2 2.0\r\n',
  'lru temp_ttl 60\r\nslabs automove 1\r\nslabs reassign 1 2\r\ncache_memlimit 60\r\n',
  'verbosity 1\r\nverbosity 0\r\nversion\r\nflush_all 1\r\nstats reset\r\nrefresh_certs\r\n',
]

test.each([...TRANSPORTS, 'tls'])('over %s', { timeout: 120_000 }, async (transport) => {
  using authority = createAuthority()
  const secure = transport === 'tls'
  const port = await freePort()
  const clear = secure ? await freePort() : port
  const { certPath, keyPath } = authority.issue('IP:127.0.0.1')
  const tls = ['-Z', '-o', `ssl_chain_cert=${certPath},ssl_key=${keyPath}`]
  const listen = secure ? [...tls, '-l', `notls:127.0.0.1:${clear}`] : ['--transport', transport]
  const identity = process.getuid?.() === 0 ? ['-u', 'root'] : []
  const threads = transport === 'node' ? '1' : '3'
  await using server = start(
    [
      ...[GUARDED_SERVER, '-l', '127.0.0.1', '-p', String(port), ...identity, '-t', threads],
      // Small, so that items are evicted and pages move; with all that can be looked at or counted.
      ...['-m', '8', '-v', '-o', 'track_sizes,hash_algorithm=xxh3', ...listen],
    ],
    { executable: process.execPath, asRoot: false },
  )
  const endpoint = { host: '127.0.0.1', port: clear }
  await (await served(endpoint, server))[Symbol.asyncDispose]()
  const open = (): Promise<Wire> =>
    secure ? Wire.secure({ port }, { ca: authority.ca }) : Wire.connect(endpoint)

  // Somebody watches all of it.
  await using watcher = await open()
  watcher.send('watch fetchers mutations evictions connevents deletions sysevents\r\n')
  await watcher.read('OK\r\n'.length)
  watcher.socket.resume()

  await Promise.all(
    Array.from({ length: 3 }, async (_, client) => {
      await using wire = await open()
      for (const command of COMMANDS) {
        wire.send(command)
        await sleep(20)
        // More than fits.
        for (let i = 0; i < 40; i++) {
          wire.send(`set ${client}-${command.length}-${i} 0 5 9000\r\n${LARGE.slice(0, 9000)}\r\n`)
        }
      }
      await wire.ask('')
    }),
  )
  for (const kind of ['classic', 'meta', 'binary']) {
    const files = readdirSync(join(CORPUS, kind))
    const every = Math.ceil(files.length / INPUTS)
    for (let i = 0; i < files.length; i += every) {
      await using wire = await open()
      wire.send(readFileSync(join(CORPUS, kind, files[i] ?? '')))
      await wire.sent()
    }
  }
  // It is well.
  expect((await statistics(endpoint)).get('threads')).toBe(threads)
  server.process.kill('SIGTERM')
  expect(await server.exited).toBe(0)
  const reported = server
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith(UNLOCKED))
    .map((line) => line.slice(UNLOCKED.length + 1))
  const unexpected = new Set(reported.filter((member) => !ALLOWED.has(member)))
  expect([...unexpected].sort()).toEqual([])
})
