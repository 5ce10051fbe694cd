import { describe, expect, test } from 'vitest'
import {
  CONNECTION_CLOSE,
  CONNECTION_NEW,
  CRAWLER_STATUS,
  EVICTION,
  type EventType,
  ITEM_GET,
  ITEM_STORE,
  SLAB_MOVE,
} from '../cache/event-log.ts'
import { logLine, skippedLine } from './log-lines.ts'

function line(type: EventType, numbers: readonly number[], bytes: string): string {
  return logLine({
    type,
    stream: 1,
    id: 4294967299,
    seconds: 1700000000,
    microseconds: 42,
    numbers,
    bytes: Buffer.from(bytes, 'latin1'),
  })
}

describe('each event is a line in memcached’s words', () => {
  test.each([
    [ITEM_GET, [3, 0, 28, 0], 'a', 'type=item_get key=a status=expired clsid=0 cfd=28 size=0'],
    [
      ITEM_STORE,
      [5, 5, -61, 12, 28, 9],
      'a',
      'type=item_store key=a status=no_memory cmd=cas ttl=4294967235 clsid=12 cfd=28 size=9',
    ],
    [
      EVICTION,
      [1, -1, 7, 3, 100],
      'a',
      'type=eviction key=a fetch=yes ttl=-1 la=7 clsid=3 size=100',
    ],
    [
      CONNECTION_NEW,
      [50026, 1, 25],
      '127.0.0.1',
      'type=conn_new rip=127.0.0.1 rport=50026 transport=tcp cfd=25',
    ],
    [
      CONNECTION_CLOSE,
      [0, 0, 25, 2],
      'unix',
      'type=conn_close rip=unix rport=0 transport=local reason=idle_timeout cfd=25',
    ],
    [
      CRAWLER_STATUS,
      [5 | 128, 1, 2, 3, 65, 4, 1000, 17],
      '',
      'type=lru_crawler crawler=5 lru=cold low_mark=1 next_reclaims=2 since_run=3 next_run=65 elapsed=4 examined=1000 reclaimed=17',
    ],
    [SLAB_MOVE, [5, 0, 1], '', 'type=slab_move src=5 dst=0 state=ok'],
    [SLAB_MOVE, [5, 6, 0], '', 'type=slab_move src=5 dst=6 state=fail'],
  ] as const)('%i: %j', (type, numbers, bytes, text) => {
    expect(line(type, numbers, bytes)).toBe(`ts=1700000000.42 gid=4294967299 ${text}\n`)
  })
})

test('keys are URI-encoded, every byte that is not unreserved', () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
  const encoded = /key=(\S+)/.exec(line(ITEM_GET, [0, 0, 0, 0], all))?.[1] ?? ''
  expect(encoded.replace(/%[0-9A-F]{2}/g, '')).toBe(
    '-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~',
  )
  const decoded = encoded.replace(/%(..)/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  expect(decoded).toBe(all)
})

test('lines that were skipped are one line', () => {
  expect(skippedLine(123)).toBe('skipped=123\n')
})
