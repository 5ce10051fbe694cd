// Nodes that mean no good: what they answer is too long, too much, or nothing that was asked. Whoever asks has an error
// or a miss in time, never another's value; and neither the client nor `memshard proxy` takes memory for what was only
// announced, or stops.
import { Client, type ClientOptions } from '@memshard/client'
import { describe, expect, test } from 'vitest'
import { longWord, packet, words } from './packets.ts'
import { MIB, residentBytes } from './process-memory.ts'
import { startProxy } from './proxying.ts'
import { type Peer, startPeer } from './scripted-peer.ts'

const TIMEOUT_MS = 300
/** By which the client knows its numbers and bigints. */
const NUMBER_FLAGS = 0x5a020000
const BIGINT_FLAGS = 0x5a030000
const GIBIBYTE = 1024 * MIB

/** A node that answers each command so, whatever it is. */
function nodeThatAnswers(answer: string): Promise<Peer> {
  return startPeer((socket, _, line) => {
    if (line.startsWith('version')) socket.write('VERSION 1.6.18\r\n')
    else if (line.startsWith('mn')) socket.write('MN\r\n')
    else socket.write(answer, 'latin1')
  })
}

/** A node that answers each command with this, over and over, as long as somebody takes it. */
function nodeWithoutEnd(start: string, rest: (round: number) => string): Promise<Peer> {
  return startPeer((socket, _, line) => {
    if (line.startsWith('version')) return
    socket.write(start, 'latin1')
    let round = 0
    const more = (): void => {
      while (!socket.destroyed && socket.write(rest(round++), 'latin1')) {}
      if (!socket.destroyed) socket.once('drain', () => setImmediate(more))
    }
    more()
  })
}

async function clientOf(peer: Peer, options: Partial<ClientOptions> = {}): Promise<Client> {
  return new Client({
    nodes: [peer.address],
    timeout: TIMEOUT_MS,
    onNodeDown: 'error',
    ...options,
  })
}

describe('the client', () => {
  test.each([
    ['a counter of no digits', 'VA 0\r\n\r\n'],
    ['a counter of letters', 'VA 3\r\nabc\r\n'],
    ['a counter of a million digits', `VA 1000000\r\n${'9'.repeat(1_000_000)}\r\n`],
    ['a value where none belongs', 'HD\r\n'],
    ['a length beyond all items', `VA ${2 ** 40}\r\nx\r\n`],
    ['a length that is none', 'VA -1\r\nx\r\n'],
  ])('%s ends the connection, at once', async (_, answer) => {
    await using peer = await nodeThatAnswers(answer)
    const client = await clientOf(peer, { timeout: 50_000 })
    const begun = performance.now()
    await expect(client.incr('a')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_PROTOCOL' })
    expect(performance.now() - begun).toBeLessThan(25_000)
    await client.close()
  })

  test('a number with a million digits is an error, not half a second', async () => {
    const digits = '9'.repeat(1_000_000)
    for (const flags of [NUMBER_FLAGS, BIGINT_FLAGS]) {
      await using peer = await nodeThatAnswers(`VA ${digits.length} f${flags}\r\n${digits}\r\n`)
      const client = await clientOf(peer, { timeout: 20_000 })
      await expect(client.get('a')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_CODEC' })
      // What could not be read is not stored either.
      await expect(client.set('a', 10n ** 5_000n)).rejects.toMatchObject({
        code: 'ERR_MEMSHARD_CODEC',
      })
      await client.close()
    }
  })

  test('a line without an end is given up', async () => {
    await using peer = await nodeWithoutEnd('', () => 'x'.repeat(64 * 1024))
    const client = await clientOf(peer)
    await expect(client.get('a')).rejects.toMatchObject({ code: 'ERR_MEMSHARD_PROTOCOL' })
    await expect.poll(() => peer.sockets.size).toBe(0)
    await client.close()
  })

  test('statistics without an end are given up, though the node is not silent', async () => {
    await using peer = await nodeWithoutEnd('', () => 'STAT one 1\r\n'.repeat(1_000))
    const client = await clientOf(peer)
    await expect(client.stats()).rejects.toThrow()
    await expect.poll(() => peer.sockets.size, { timeout: 10_000 }).toBe(0)
    await client.close()
  })

  test.each([
    ['meta', Buffer.from(`VA ${GIBIBYTE} f0\r\nx`)],
    ['binary', packet('get', { magic: 0x81, bodyLength: GIBIBYTE })],
  ] as const)(
    '%s: a gigabyte that is announced and never comes takes no memory',
    async (protocol, announced) => {
      await using peer = await startPeer((socket) => socket.write(announced))
      const clients = await Promise.all(
        Array.from({ length: 20 }, () => clientOf(peer, { protocol, timeout: 2_000 })),
      )
      const before = process.memoryUsage().arrayBuffers
      const calls = Promise.allSettled(clients.map((client) => client.get('a')))
      // The binary protocol has no lines, and the peer reads some.
      if (protocol === 'binary') {
        await expect.poll(() => peer.sockets.size).toBe(20)
        for (const socket of peer.sockets) socket.write(announced)
      }
      const outcomes = await calls
      expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * MIB)
      await Promise.all(clients.map((client) => client.close()))
    },
  )
})

describe('memshard proxy', () => {
  const incr = packet('incr', {
    key: 'a',
    extras: Buffer.concat([longWord(1n), longWord(0n), words(0xffff_ffff)]),
  })
  const get = packet('get', { key: 'a' })

  test.each([
    ['a counter of letters', incr, 'VA 3\r\nabc\r\n'],
    ['a counter beyond 64 bits', incr, `VA 30\r\n${'9'.repeat(30)}\r\n`],
    ['a counter of a million digits', incr, `VA 1000000\r\n${'9'.repeat(1_000_000)}\r\n`],
    ['a CAS unique of letters', incr, 'VA 1 cxyz\r\n1\r\n'],
    ['flags beyond 32 bits', get, 'VALUE a 99999999999 1\r\nx\r\nEND\r\n'],
    ['flags of letters', get, 'VALUE a xyz 1\r\nx\r\nEND\r\n'],
    ['a CAS unique beyond 64 bits', get, 'VALUE a 0 1 99999999999999999999999\r\nx\r\nEND\r\n'],
  ])('who asks by the binary protocol is answered: %s', async (_, question, answer) => {
    // To `get` by either protocol.
    await using peer = await startPeer((socket, _connection, line) => {
      if (line.startsWith('version')) socket.write('VERSION 1.6.18\r\n')
      else if (line.startsWith('mg'))
        socket.write(
          answer.replace(/^VALUE a (\S+) (\d+)( \S+)?/, metaForm).replace(/END\r\n$/, ''),
        )
      else socket.write(answer, 'latin1')
    })
    await using proxy = await startProxy({ flags: ['-s', peer.address, '--timeout', '2000'] })
    await using wire = await proxy.connect()
    wire.send(question)
    const reason = 'the node sent a number that is not one'
    const told = await wire.readUntil(reason)
    expect(told.readUInt16BE(6)).not.toBe(0)
    wire.send(packet('version'))
    expect((await wire.read(24)).readUInt16BE(6)).toBe(0)
  })

  test('nobody has another’s value, or memory for what never comes', async () => {
    await using peer = await startPeer((socket, connection, line) => {
      if (line.startsWith('version')) socket.write('VERSION 1.6.18\r\n')
      else if (connection % 2 === 0) socket.write('VALUE b 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\n')
      else socket.write(`VALUE a 0 ${GIBIBYTE}\r\nx`)
    })
    await using proxy = await startProxy({ flags: ['-s', peer.address, '--timeout', '200'] })
    const before = residentBytes(proxy.pid)
    for (let i = 0; i < 5; i++) {
      await using wire = await proxy.connect()
      wire.send('get a\r\nversion\r\n')
      const told = (await wire.readUntil('\r\n')).toString('latin1')
      expect(told).not.toContain('VALUE')
    }
    expect(residentBytes(proxy.pid) - before).toBeLessThan(100 * MIB)
  })
})

function metaForm(_: string, flags: string, size: string, cas = ''): string {
  return `VA ${size} f${flags}${cas.replace(' ', ' c')}`
}
