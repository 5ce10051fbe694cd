// A UDP socket that takes no more, which loopback never does by itself: real sockets, and a `sendmsg` that
// says so at chosen times.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { useNativeMemory } from '../cache/memory.ts'
import { Server } from '../protocol/conversation.ts'
import { EpollDatagramSocket } from './epoll-datagrams.ts'
import { openListeners } from './listeners.ts'
import { EAGAIN, hasSystemCalls, loadSystemCalls, type SystemCalls } from './system-calls.ts'

const EPERM = 1

describe.runIf(hasSystemCalls())('a UDP socket', () => {
  let real: SystemCalls
  let calls: SystemCalls
  /** What the next calls of sendmsg fail with; 0 lets one through. */
  let failures: number[] = []
  let server: Server
  let socket: EpollDatagramSocket
  let client: Socket
  let received: Buffer[]
  let changed: () => void = () => {}

  beforeAll(() => {
    real = loadSystemCalls()
    useNativeMemory(real)
    let failure = 0
    calls = {
      ...real,
      sendmsg: (...args) => {
        failure = failures.shift() ?? 0
        return failure === 0 ? real.sendmsg(...args) : -1
      },
      errno: () => (failure === 0 ? real.errno() : failure),
    }
  })

  beforeEach(async () => {
    failures = []
    server = new Server()
    const listeners = await openListeners(real, {
      tcpAddresses: [],
      udpAddresses: [{ host: '127.0.0.1', port: 0 }],
      unixSocketPath: undefined,
      unixSocketMask: 0o700,
      backlog: 0,
    })
    const [{ fd, port }] = listeners
    socket = new EpollDatagramSocket(fd, port, calls, server.cache.arena, server.engine)
    received = []
    client = createSocket('udp4').on('message', (bytes) => {
      received.push(bytes)
      changed()
    })
    client.connect(port, '127.0.0.1')
    await once(client, 'connect')
  })

  afterEach(() => {
    socket.close()
    real.close(socket.fd)
    client.close()
    server.check()
  })

  function store(key: string, value: string): void {
    const tcp = server.connect()
    expect(tcp.send(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`)).toBe('STORED\r\n')
  }

  /** On loopback, what was sent has arrived. */
  async function ask(id: number, payload: string): Promise<void> {
    const header = Buffer.from([0, id, 0, 0, 0, 1, 0, 0])
    await new Promise<void>((resolve) => {
      client.send(Buffer.concat([header, Buffer.from(payload, 'latin1')]), () => resolve())
    })
  }

  async function datagrams(count: number): Promise<readonly Buffer[]> {
    while (received.length < count) {
      await new Promise<void>((resolve) => {
        changed = resolve
      })
    }
    return received
  }

  test('an answer that has to wait goes on where it was, and nothing is read before', async () => {
    const value = Buffer.alloc(20_000, '0123456789').toString()
    store('v', value)
    await ask(1, 'get v\r\nget none\r\n')
    await ask(2, 'get none\r\n')
    failures = [0, 0, EAGAIN, EAGAIN, 0, 0, 0, EAGAIN]
    socket.ready()
    expect(socket.waits).toBe(true)
    socket.ready()
    expect(socket.waits).toBe(true)
    socket.ready()
    expect(socket.waits).toBe(true)
    expect(failures).toEqual([])
    // The key's fate doesn't matter to an answer that has begun.
    expect(server.connect().send('delete v\r\n')).toBe('DELETED\r\n')
    socket.ready()
    expect(socket.waits).toBe(false)
    const parts = await datagrams(16)
    expect(parts.every((datagram) => datagram[1] === 1)).toBe(true)
    const answer = Buffer.concat(parts.slice(0, 15).map((datagram) => datagram.subarray(8)))
    expect(answer.toString()).toBe(`VALUE v 0 20000\r\n${value}\r\nEND\r\n`)
    expect(parts.slice(0, 15).map((datagram) => datagram.readUInt16BE(2))).toEqual([
      ...Array(15).keys(),
    ])
    socket.ready()
    expect((await datagrams(17))[16]?.toString('latin1', 8)).toBe('END\r\n')
  })

  test('an answer that can not be sent at all is given up', async () => {
    store('v', 'v'.repeat(20_000))
    await ask(1, 'get v\r\n')
    await ask(2, 'get none\r\n')
    failures = [0, EPERM]
    socket.ready()
    expect(socket.waits).toBe(false)
    const ids = (await datagrams(2)).map((datagram) => datagram[1])
    expect(ids).toEqual([1, 2])
  })

  test('closed while an answer waits, it holds no item', async () => {
    store('v', 'v'.repeat(20_000))
    await ask(1, 'get v\r\n')
    failures = [EAGAIN]
    socket.ready()
    expect(socket.waits).toBe(true)
    expect(() => server.check()).toThrow(/pinned/)
    socket.close()
    server.check()
  })
})
