// Lines of the server's log about connections and requests, and what keeps them few.
import { describe, expect, test } from 'vitest'
import {
  CLOSED_BY_ERROR,
  CONNECTION_CLOSE,
  CONNECTION_EVENTS,
  CONNECTION_NEW,
  FETCHERS,
  HANDSHAKE_FAILED,
  ITEM_GET,
  LINE_TOO_LONG,
  type LogEvent,
  MUTATIONS,
  OVER_TCP,
  TOO_MANY_CONNECTIONS,
  TROUBLE,
  TROUBLES,
} from '../cache/event-log.ts'
import { type EventLine, EventLines, loggedStreams } from './event-lines.ts'

function event(type: LogEvent['type'], numbers: readonly number[], text: string): LogEvent {
  const moment = { id: 1, seconds: 0, microseconds: 0 }
  return { ...moment, type, stream: TROUBLES, numbers, bytes: Buffer.from(text, 'latin1') }
}
const trouble = (what: number, text: string): LogEvent =>
  event(TROUBLE, [4000, OVER_TCP, 17, what], text)

function setUp() {
  const lines: EventLine[] = []
  const clock = { now: 0 }
  const log = new EventLines(
    (line) => lines.push(line),
    () => clock.now,
  )
  return { lines, clock, log }
}

describe('a line says', () => {
  test.each<[string, LogEvent, EventLine]>([
    [
      'who did wrong, and what',
      trouble(LINE_TOO_LONG, '10.0.0.1'),
      {
        level: 'info',
        fields: {
          peer: '10.0.0.1:4000',
          transport: 'tcp',
          fd: 17,
          reason: 'a line without an end',
        },
        message: 'connection failed',
      },
    ],
    [
      'what TLS found wrong',
      trouble(HANDSHAKE_FAILED, '::1 no shared cipher'),
      {
        level: 'info',
        fields: {
          ...{ peer: '[::1]:4000', transport: 'tcp', fd: 17 },
          ...{ reason: 'the TLS handshake failed', detail: 'no shared cipher' },
        },
        message: 'connection failed',
      },
    ],
    [
      'who came too late',
      trouble(TOO_MANY_CONNECTIONS, '10.0.0.1'),
      {
        level: 'info',
        fields: {
          ...{ peer: '10.0.0.1:4000', transport: 'tcp', fd: 17 },
          reason: 'too many connections (-c)',
        },
        message: 'connection refused',
      },
    ],
    [
      'who came',
      event(CONNECTION_NEW, [4000, OVER_TCP, 17], '10.0.0.1'),
      {
        level: 'debug',
        fields: { peer: '10.0.0.1:4000', transport: 'tcp', fd: 17 },
        message: 'connection opened',
      },
    ],
    [
      'who went, and why',
      event(CONNECTION_CLOSE, [4000, OVER_TCP, 17, CLOSED_BY_ERROR], 'unix'),
      {
        level: 'debug',
        fields: { peer: 'unix', transport: 'tcp', fd: 17, reason: 'error' },
        message: 'connection closed',
      },
    ],
    [
      'which key, and nothing of its value',
      event(ITEM_GET, [1, 3, 17, 100], 'a key'),
      {
        level: 'trace',
        fields: {},
        message: 'type=item_get key=a%20key status=found clsid=3 cfd=17 size=100',
      },
    ],
  ])('%s', (_, told, line) => {
    const { log, lines } = setUp()
    log.tell(told)
    expect(lines).toEqual([line])
  })
})

describe('a flood', () => {
  test('is a hundred lines, then ten a second, and how many were left out', () => {
    const { log, lines, clock } = setUp()
    for (let i = 0; i < 10_000; i++) log.tell(trouble(LINE_TOO_LONG, '10.0.0.1'))
    expect(lines).toHaveLength(100)
    log.pause()
    expect(lines[100]).toEqual({
      level: 'info',
      fields: { what: 'connection failed', suppressed: 9_900 },
      message: 'lines left out',
    })
    clock.now += 1_000
    for (let i = 0; i < 50; i++) log.tell(trouble(LINE_TOO_LONG, '10.0.0.1'))
    log.pause()
    expect(lines).toHaveLength(111)
    clock.now += 5_000
    log.pause()
    expect(lines[111]?.fields).toEqual({ what: 'connection failed', suppressed: 40 })
  })

  test('of one kind leaves room for the others', () => {
    const { log, lines } = setUp()
    for (let i = 0; i < 1_000; i++) log.tell(trouble(TOO_MANY_CONNECTIONS, '10.0.0.1'))
    log.tell(trouble(LINE_TOO_LONG, '10.0.0.2'))
    expect(lines.at(-1)?.message).toBe('connection failed')
  })
})

test('nothing is published for a log that would not have it', () => {
  expect(loggedStreams('warn')).toBe(0)
  expect(loggedStreams('silent')).toBe(0)
  expect(loggedStreams('info')).toBe(TROUBLES)
  expect(loggedStreams('debug')).toBe(TROUBLES | CONNECTION_EVENTS)
  expect(loggedStreams('debug') & (FETCHERS | MUTATIONS)).toBe(0)
  expect(loggedStreams('trace') & (FETCHERS | MUTATIONS)).toBe(FETCHERS | MUTATIONS)
})
