// Connections that break, drip, or say too much: every call ends with its own value or an error, never
// with a part of a value or with another's.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Client, ConnectionError, ProtocolError } from '@memshard/client'
import { describe, expect, test } from 'vitest'
import { type Peer, startPeer } from './scripted-peer.ts'

const PATIENT = { timeout: 10_000, connectTimeout: 10_000, failures: 1000 }

/** Values that could be taken for answers. */
const VALUES: Readonly<Record<string, string>> = {
  a: 'HD\r\nEN\r\n',
  b: 'VA 1 f0\r\nx\r\n',
  c: '\r\n\r',
}
const KEYS = Object.keys(VALUES)

function answerTo(line: string): string {
  const value = VALUES[line.split(' ')[1]!]
  return value === undefined ? 'EN\r\n' : `VA ${value.length} f0\r\n${value}\r\n`
}

const STREAM = KEYS.map((key) => answerTo(`mg ${key}`)).join('')

/** The first connection gets this instead of answers, once it has asked for all keys; the others are answered. */
function startBreakingPeer(onAsked: (socket: Socket) => void): Promise<Peer> {
  let asked = 0
  return startPeer((socket, connection, line) => {
    if (connection > 1) socket.write(answerTo(line))
    else if (++asked === KEYS.length) onAsked(socket)
  })
}

async function expectAllValues(cache: Client): Promise<void> {
  const values = await Promise.all(KEYS.map((key) => cache.get(key)))
  expect(values).toEqual(Object.values(VALUES))
}

describe('a stream of answers', () => {
  test.each([
    ['ends', (socket: Socket) => socket.end()],
    ['is reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('that %s at any byte leaves each call with its own value', async (_, finish) => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      await using peer = await startBreakingPeer((socket) =>
        socket.write(STREAM.slice(0, cut), () => finish(socket)),
      )
      await using cache = new Client({ nodes: [peer.address], ...PATIENT })
      await expectAllValues(cache)
    }
  })

  test('that drips leaves each call with its own value', async () => {
    await using peer = await startBreakingPeer(async (socket) => {
      socket.setNoDelay(true)
      for (const byte of STREAM) {
        socket.write(byte)
        await nextTurn()
      }
    })
    await using cache = new Client({ nodes: [peer.address], ...PATIENT })
    await expectAllValues(cache)
    expect(peer.connections).toBe(1)
  })

  test('that is reset within a long value gives no part of it', async () => {
    const value = 'long value '.repeat(100_000)
    await using peer = await startPeer((socket, connection) => {
      const answer = `VA ${value.length} f0\r\n${value}\r\n`
      if (connection > 1) socket.write(answer)
      else socket.write(answer.slice(0, 600_000), () => socket.resetAndDestroy())
    })
    await using cache = new Client({ nodes: [peer.address], ...PATIENT })
    expect(await cache.get('k')).toBe(value)
    expect(peer.connections).toBe(2)
  })

  test('that ends within the answer to an incr is a ConnectionError, and the incr is not repeated', async () => {
    const lines: string[] = []
    await using peer = await startPeer((socket, _, line) => {
      lines.push(line)
      socket.end('VA 2\r\n1')
    })
    await using cache = new Client({ nodes: [peer.address], ...PATIENT })
    await expect(cache.incr('n')).rejects.toThrow(ConnectionError)
    expect(lines).toEqual(['ma n MI D1 v'])
  })
})

describe('an answer that nobody asked for', () => {
  test('is not the next call’s, when it comes with another', async () => {
    await using peer = await startPeer((socket, connection, line) => {
      socket.write(connection === 1 ? `EN\r\n${answerTo('mg b')}` : answerTo(line))
    })
    await using cache = new Client({ nodes: [peer.address], ...PATIENT })
    const disconnected = once(cache, 'disconnect')
    // The second is called in the same tick in which the surplus is there.
    expect(await cache.get('a').then(() => cache.get('c'))).toBe(VALUES.c)
    expect((await disconnected)[1]).toBeInstanceOf(ProtocolError)
  })

  test('is not the next call’s, when it comes while nothing is asked', async () => {
    await using peer = await startPeer((socket, _, line) => socket.write(answerTo(line)))
    await using cache = new Client({ nodes: [peer.address], ...PATIENT })
    expect(await cache.get('a')).toBe(VALUES.a)
    const disconnected = once(cache, 'disconnect')
    for (const socket of peer.sockets) socket.write(answerTo('mg b'))
    expect((await disconnected)[1]).toBeInstanceOf(ProtocolError)
    expect(await cache.get('c')).toBe(VALUES.c)
  })

  test('is no call’s that waits for the login', async () => {
    await using peer = await startPeer((socket, _, line) => {
      if (line.startsWith('user ')) socket.write(`STORED\r\n${answerTo('mg b')}`)
    })
    await using cache = new Client({
      nodes: [peer.address],
      auth: { username: 'user', password: 'password' },
      ...PATIENT,
    })
    await expect(cache.get('a')).rejects.toThrow(ProtocolError)
  })
})
