import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { alive, type Probed, ready } from './health.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serving(accept: (socket: Socket) => void): Promise<number> {
  const server = createServer(accept).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function probed(port: number | undefined, others: Partial<Probed> = {}): Probed {
  return {
    endpoint: port === undefined ? undefined : { host: '127.0.0.1', port },
    greeting: 'version\r\n',
    unready: () => undefined,
    accepting: () => true,
    roundTrip: () => {},
    ...others,
  }
}

test('who answers is alive and ready', async () => {
  const port = await serving((socket) => socket.once('data', () => socket.end('VERSION 1\r\n')))
  expect(await alive(probed(port))).toEqual({ well: true, reason: 'serving' })
  expect((await ready(probed(port))).well).toBe(true)
})

test('so is who hangs up on us: a thread did it', async () => {
  const port = await serving((socket) => socket.destroy())
  expect((await alive(probed(port))).well).toBe(true)
})

test('who takes the connection and says nothing is not', async () => {
  const port = await serving((socket) => {
    socket.on('close', () => {})
  })
  const health = await alive(probed(port), 50)
  expect(health).toEqual({ well: false, reason: 'no thread answers: nothing came within 50 ms' })
})

test('nor is where nobody listens', async () => {
  const port = await serving(() => {})
  servers.pop()?.close()
  expect((await alive(probed(port))).reason).toMatch(/ECONNREFUSED/)
})

test('a full node is alive without a socket, and not ready', async () => {
  let trips = 0
  const full = probed(1, { accepting: () => false, roundTrip: () => trips++ })
  expect((await alive(full)).well).toBe(true)
  expect(trips).toBe(1)
  expect(await ready(full)).toEqual({ well: false, reason: 'no room for further connections' })
})

test('one that is stopping says so', async () => {
  const stopping = probed(undefined, { unready: () => 'stopping' })
  expect((await alive(stopping)).well).toBe(true)
  expect(await ready(stopping)).toEqual({ well: false, reason: 'stopping' })
})
