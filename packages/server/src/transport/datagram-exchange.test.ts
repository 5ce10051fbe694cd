// The rules of one exchange, without sockets: what is executed, which messages there are, how they are cut.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Server } from '../protocol/conversation.ts'
import { DatagramExchange, MAX_ANSWER_BYTES } from './datagram-exchange.ts'
import { copyOfMessage } from './message-copy.ts'

interface Sent {
  readonly id: number
  readonly sequence: number
  readonly total: number
  readonly reserved: number
  readonly payload: Buffer
}

/** A server that is asked by datagrams alone. */
class DatagramServer {
  readonly server = new Server()
  readonly exchange = new DatagramExchange(this.server.engine, 0)

  /** Everything that is sent for this datagram. */
  ask(datagram: Buffer): readonly Sent[] {
    this.exchange.input.bytes.set(datagram)
    const sent: Sent[] = []
    if (!this.exchange.begin(datagram.length)) return sent
    while (this.exchange.next()) sent.push(this.take())
    this.server.check()
    return sent
  }

  /** The datagram that is to be sent next. */
  take(): Sent {
    const { header, message, from, length } = this.exchange
    const { arena } = this.server.cache
    const payload = copyOfMessage(message, arena).subarray(from, from + length)
    const view = header.view
    this.exchange.sent()
    return {
      id: view.getUint16(0),
      sequence: view.getUint16(2),
      total: view.getUint16(4),
      reserved: view.getUint16(6),
      payload,
    }
  }

  messages(payload: string): readonly string[] {
    const whole: string[] = []
    for (const { sequence, payload: part } of this.ask(request(payload))) {
      if (sequence === 0) whole.push('')
      whole.push(whole.pop() + part.toString('latin1'))
    }
    return whole
  }

  store(key: string, value: string | Buffer): void {
    const client = this.server.connect()
    client.send(`set ${key} 0 0 ${value.length}\r\n`)
    client.send(value)
    expect(client.send('\r\n')).toBe('STORED\r\n')
  }
}

function request(payload: string, id = 1): Buffer {
  const header = Buffer.from([id >> 8, id & 0xff, 0, 0, 0, 1, 0, 0])
  return Buffer.concat([header, Buffer.from(payload, 'latin1')])
}

test('a message of any length is cut into numbered datagrams of 1392 bytes and a last one', () => {
  const datagrams = new DatagramServer()
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 9_000 }),
    fc.integer({ min: 8_000, max: 1_000_000 }),
    fc.integer({ min: 1, max: 40 }).map((parts) => parts * 1392 - 30),
  )
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 0xffff }), (size, id) => {
      const value = Buffer.alloc(size, Buffer.from(`${size}:${id};`))
      datagrams.store('v', value)
      const sent = datagrams.ask(request('get v\r\n', id))
      const whole = `VALUE v 0 ${size}\r\n${value.toString('latin1')}\r\nEND\r\n`
      const total = Math.ceil(whole.length / 1392)
      expect(sent.map(({ sequence }) => sequence)).toEqual([...Array(total).keys()])
      for (const [i, datagram] of sent.entries()) {
        expect(datagram).toMatchObject({ id, total, reserved: 0 })
        expect(datagram.payload.length).toBe(i + 1 < total ? 1392 : whole.length - i * 1392)
      }
      expect(Buffer.concat(sent.map(({ payload }) => payload)).toString('latin1') === whole).toBe(
        true,
      )
    }),
    { numRuns: 30 },
  )
})

test('whatever a datagram holds, nothing of it is left for the next one', () => {
  const datagrams = new DatagramServer()
  datagrams.store('a', 'x')
  const piece = fc.constantFrom(
    'get a\r\n',
    'get a none ',
    'set v 0 0 5\r\nab',
    'set v 0 0 2000000\r\n',
    'ms v 9\r\nab',
    'quit\r\n',
    'stats\r\n',
    'mg a v\r\n',
    '\r\n',
    '\x80\x01\x00',
    `\x80\x07${'\0'.repeat(22)}`,
    `\x80\x0a${'\0'.repeat(22)}`,
    'x'.repeat(2100),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 5 }),
      fc.uint8Array({ maxLength: 40 }),
      (pieces, noise) => {
        datagrams.ask(Buffer.concat([request(pieces.join('')), noise]))
        // And what is said to it comes to an end.
        expect(datagrams.messages('get a\r\n')).toEqual(['VALUE a 0 1\r\nx\r\nEND\r\n'])
      },
    ),
  )
})

describe('nothing outlives a datagram', () => {
  test('a value that does not fit is dropped, what was before it is answered', () => {
    const datagrams = new DatagramServer()
    datagrams.store('a', 'x')
    expect(datagrams.messages('get a\r\nset b 0 0 10\r\nabc')).toEqual([
      'VALUE a 0 1\r\nx\r\nEND\r\n',
    ])
    expect(datagrams.messages('defghij\r\n')).toEqual(['ERROR\r\n'])
    expect(datagrams.messages('get b\r\n')).toEqual(['END\r\n'])
  })

  test('of a value that is refused nothing is swallowed later', () => {
    const datagrams = new DatagramServer()
    expect(datagrams.messages('set a 0 0 2000000\r\nabc')).toEqual([
      'SERVER_ERROR object too large for cache\r\n',
    ])
    expect(datagrams.messages('get a\r\n')).toEqual(['END\r\n'])
  })

  test('quit ends the datagram, and no other', () => {
    const datagrams = new DatagramServer()
    datagrams.store('a', 'x')
    expect(datagrams.messages('get a\r\nquit\r\nget a\r\n')).toEqual([
      'VALUE a 0 1\r\nx\r\nEND\r\n',
    ])
    expect(datagrams.messages('get a\r\nget a\r\n').length).toBe(2)
  })
})

describe('what one datagram is answered with is bounded', () => {
  test('what would go beyond is not sent', () => {
    const datagrams = new DatagramServer()
    const value = 'v'.repeat(900_000)
    datagrams.store('v', value)
    const answers = datagrams.messages('get v v v v\r\nget v\r\n')
    expect(answers.length).toBe(2)
    expect(answers.join('').length).toBeLessThanOrEqual(MAX_ANSWER_BYTES)
    expect(datagrams.messages('get v\r\n').length).toBe(1)
  })

  test('also of many small ones', () => {
    const datagrams = new DatagramServer()
    datagrams.store('v', 'v'.repeat(8_000))
    const answers = datagrams.messages('get v\r\n'.repeat(1_000))
    expect(answers.join('').length).toBeLessThanOrEqual(MAX_ANSWER_BYTES)
    expect(answers.length).toBe(Math.floor(MAX_ANSWER_BYTES / (answers[0] as string).length))
  })
})

test('an exchange given up in the middle holds nothing', () => {
  const datagrams = new DatagramServer()
  datagrams.store('v', 'v'.repeat(100_000))
  datagrams.exchange.input.bytes.set(request('get v\r\nset a 0 0 9\r\nabc'))
  datagrams.exchange.begin(request('get v\r\nset a 0 0 9\r\nabc').length)
  expect(datagrams.exchange.next()).toBe(true)
  expect(datagrams.take().sequence).toBe(0)
  expect(datagrams.exchange.next()).toBe(true)
  expect(() => datagrams.server.check()).toThrow(/pinned/)
  datagrams.exchange.end()
  datagrams.server.check()
  expect(datagrams.exchange.next()).toBe(false)
})

test('a datagram is the same until it was sent', () => {
  const datagrams = new DatagramServer()
  datagrams.store('v', 'v'.repeat(3_000))
  datagrams.exchange.input.bytes.set(request('get v\r\n'))
  datagrams.exchange.begin(request('get v\r\n').length)
  for (let sequence = 0; sequence < 3; sequence++) {
    for (let again = 0; again < 3; again++) {
      expect(datagrams.exchange.next()).toBe(true)
      expect(datagrams.exchange.header.view.getUint16(2)).toBe(sequence)
    }
    datagrams.exchange.sent()
  }
  expect(datagrams.exchange.next()).toBe(false)
})

test('a long report is one message, whatever its length', () => {
  const datagrams = new DatagramServer()
  // An item in most classes makes "stats items" longer than a reply.
  for (let size = 50; size < 1_000_000; size = Math.ceil(size * 1.2)) {
    datagrams.store(`key${size}`, 'v'.repeat(size))
  }
  const [report, ...more] = datagrams.messages('stats items\r\n')
  expect(more).toEqual([])
  expect(report).toMatch(/^(STAT items:\d+:\w+ \d+\r\n)+END\r\n$/)
  expect((report as string).length).toBeGreaterThan(30_000)
})
