import { describe, expect, test } from 'vitest'
import { Clock } from '../cache/clock.ts'
import {
  ConnectionTable,
  LISTENING,
  NEW,
  READING,
  READING_VALUE,
  WRITING,
} from './connection-table.ts'
import { IdleConnections } from './idle-connections.ts'

const THREAD = 1
const OTHER_THREAD = 0

function setUp(timeoutSeconds: number) {
  const clock = new Clock(new Int32Array(new SharedArrayBuffer(64)))
  clock.start(1_700_000_000)
  const table = new ConnectionTable(32)
  const idle = new IdleConnections(table, clock, THREAD, timeoutSeconds)
  const sweep = (): number[] => {
    const closed: number[] = []
    idle.sweep((fd) => {
      closed.push(fd)
      table.close(fd)
    })
    return closed
  }
  return { clock, table, idle, sweep }
}

describe('idle connections', () => {
  test('those that wait for a request are closed after more than the timeout', () => {
    const { clock, table, sweep } = setUp(10)
    table.open(7, NEW, clock.now, THREAD)
    table.open(8, NEW, clock.now, THREAD)
    table.note(8, READING, clock.now)
    clock.tick(10)
    expect(sweep()).toEqual([])
    clock.tick(11)
    expect(sweep()).toEqual([7, 8])
    expect(sweep()).toEqual([])
  })

  test('a request starts the time anew', () => {
    const { clock, table, sweep } = setUp(10)
    table.open(7, NEW, clock.now, THREAD)
    clock.tick(9)
    table.note(7, READING, clock.now)
    clock.tick(19)
    expect(sweep()).toEqual([])
    clock.tick(20)
    expect(sweep()).toEqual([7])
  })

  test('nobody is closed in the middle of a value or an answer, nor a listener, nor what others serve', () => {
    const { clock, table, sweep } = setUp(1)
    table.open(3, LISTENING, clock.now, THREAD)
    table.open(4, READING_VALUE, clock.now, THREAD)
    table.open(5, WRITING, clock.now, THREAD)
    table.open(6, READING, clock.now, OTHER_THREAD)
    clock.tick(100)
    expect(sweep()).toEqual([])
  })

  test('the thread sleeps until the first can be due, and no longer', () => {
    const { clock, table, idle, sweep } = setUp(10)
    expect(idle.restMs).toBe(11_000)
    clock.tick(4)
    table.open(7, NEW, clock.now, THREAD)
    clock.tick(11)
    expect(idle.due).toBe(true)
    expect(sweep()).toEqual([])
    expect(idle.due).toBe(false)
    // Accepted in second 4, it is too old in second 15.
    expect(idle.restMs).toBe(4_000)
    clock.tick(15)
    expect(idle.due).toBe(true)
    expect(sweep()).toEqual([7])
  })

  test('without a timeout nothing is ever due', () => {
    const { clock, idle } = setUp(0)
    expect(idle.restMs).toBe(-1)
    clock.tick(1_000_000)
    expect(idle.due).toBe(false)
  })
})
