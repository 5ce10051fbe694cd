// The ring, against the kernel's own sockets.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryBlock, permanentBlock, useNativeMemory } from '../cache/memory.ts'
import { EAGAIN, EBADF, hasSystemCalls, loadSystemCalls, POLLIN } from './system-calls.ts'
import { UringBuffers } from './uring-buffers.ts'
import { CANCEL, POLL, RECEIVE, Ring, SEND, UringError, whyNoRing } from './uring-ring.ts'

const calls = hasSystemCalls() ? loadSystemCalls() : undefined
if (calls !== undefined) useNativeMemory(calls)
const obstacle = calls === undefined ? 'no direct system calls' : whyNoRing(calls)

const SOCK_NONBLOCK_STREAM = 0o4001
const AF_UNIX = 1

interface Outcome {
  readonly descriptor: number
  readonly operation: number
  readonly result: number
  readonly more: boolean
  readonly text: string | undefined
}

// Without io_uring there is nothing to test: the machine's kernel is too old, or forbids it.
describe.skipIf(calls === undefined || obstacle !== undefined)('a ring', () => {
  if (calls === undefined) return
  let ring: Ring
  let buffers: UringBuffers
  let here: number
  let there: number

  beforeEach(() => {
    ring = new Ring(calls)
    buffers = new UringBuffers(ring)
    ;[here, there] = socketPair()
  })
  afterEach(() => {
    ring.close()
    calls.close(here)
    calls.close(there)
  })

  function socketPair(): [number, number] {
    const pair = permanentBlock(8)
    expect(calls?.socketpair(AF_UNIX, SOCK_NONBLOCK_STREAM, 0, pair.address)).toBe(0)
    return [pair.view.getInt32(0, true), pair.view.getInt32(4, true)]
  }

  function write(fd: number, text: string): void {
    const block = new MemoryBlock(new ArrayBuffer(text.length))
    block.bytes.set(Buffer.from(text))
    expect(calls?.write(fd, block.address, block.size)).toBe(text.length)
  }

  function read(fd: number, most = 65_536): string {
    const block = new MemoryBlock(new ArrayBuffer(most))
    const length = calls?.read(fd, block.address, most) ?? -1
    return Buffer.from(block.bytes.subarray(0, length)).toString()
  }

  /** Submits, and takes what there is afterwards. */
  function outcomes(timeoutMs = 0): Outcome[] {
    ring.enter(1, timeoutMs)
    const all: Outcome[] = []
    const count = ring.count()
    for (let i = 0; i < count; i++) {
      ring.look(i)
      const { descriptor, operation, result, more, buffer } = ring
      let text: string | undefined
      if (buffer >= 0) {
        const at = buffers.take(buffer, result)
        text = Buffer.from(buffers.block.bytes.subarray(at, at + result)).toString()
        if (!ring.bufferMore) buffers.giveBack(buffer)
      }
      all.push({ descriptor, operation, result, more, text })
    }
    ring.end(count)
    return all
  }

  test('receives again and again until the other side has said its last', () => {
    ring.receive(here)
    expect(outcomes()).toEqual([])
    write(there, 'one')
    write(there, ' and a half')
    expect(outcomes().map(({ text }) => text)).toEqual(['one and a half'])
    write(there, 'two')
    expect(outcomes()).toEqual([
      { descriptor: here, operation: RECEIVE, result: 3, more: true, text: 'two' },
    ])
    calls.shutdown(there, 1)
    expect(outcomes()).toEqual([
      { descriptor: here, operation: RECEIVE, result: 0, more: false, text: undefined },
    ])
  })

  test('what comes fills the buffers in turn, and they are used again', () => {
    const megabyte = 'x'.repeat(65_536)
    let received = 0
    ring.receive(here)
    outcomes()
    for (let i = 0; i < 64; i++) {
      write(there, megabyte)
      for (let part = 0; part < megabyte.length; ) {
        const [{ text }] = outcomes(1000)
        part += text?.length ?? 0
        received += text?.length ?? 0
        expect(text).toMatch(/^x+$/)
      }
    }
    expect(received).toBe(64 * 65_536)
  })

  test('a send that is taken whole has no outcome', () => {
    const answer = permanentBlock(5)
    answer.bytes.set(Buffer.from('hello'))
    ring.send(here, answer.address, 5)
    expect(outcomes()).toEqual([])
    expect(ring.settled).toBe(true)
    expect(read(there)).toBe('hello')
  })

  test('one that is not tells how much was, or that nothing', () => {
    const block = permanentBlock(4 * 1024 * 1024)
    ring.send(here, block.address, block.size)
    const [{ operation, result }, ...others] = outcomes()
    expect(operation).toBe(SEND)
    expect(result).toBeGreaterThan(0)
    expect(result).toBeLessThan(block.size)
    expect(others).toEqual([])
    ring.send(here, block.address, 1)
    expect(outcomes()).toEqual([
      { descriptor: here, operation: SEND, result: -EAGAIN, more: false, text: undefined },
    ])
  })

  test('a bad entry keeps no other from its work', () => {
    const answer = permanentBlock(2)
    answer.bytes.set(Buffer.from('ok'))
    ring.send(-1, answer.address, 2)
    ring.send(here, answer.address, 2)
    expect(outcomes().map(({ result }) => result)).toEqual([-EBADF])
    expect(read(there)).toBe('ok')
  })

  test('polls once, at once if it is ready already', () => {
    write(there, 'x')
    ring.poll(here, POLLIN)
    const [{ operation, more, result }] = outcomes()
    expect([operation, more, result & POLLIN]).toEqual([POLL, false, POLLIN])
    expect(outcomes()).toEqual([])
  })

  test('a cancelled reception has one more outcome', () => {
    ring.receive(here)
    outcomes()
    ring.cancel(here, RECEIVE)
    expect(outcomes(1000)).toMatchObject([{ operation: RECEIVE, more: false }])
    ring.cancel(here, RECEIVE)
    // Nothing to cancel: the cancellation itself has failed.
    expect(outcomes(1000)).toMatchObject([{ operation: CANCEL }])
  })

  test('more than it has room for is submitted on the way', () => {
    const answer = permanentBlock(1)
    answer.bytes[0] = 120
    for (let i = 0; i < 3000; i++) ring.send(here, answer.address, 1)
    outcomes()
    let got = ''
    while (got.length < 200) got += read(there)
    expect(got).toMatch(/^x+$/)
  })

  test('waits no longer than it may', () => {
    const before = performance.now()
    expect(outcomes(30)).toEqual([])
    expect(performance.now() - before).toBeGreaterThan(25)
  })
})

describe.skipIf(calls === undefined)('where there is no ring', () => {
  test('says what failed, and why', () => {
    if (calls === undefined) return
    // As a container answers that forbids it.
    const forbidding = {
      ...calls,
      io_uring_setup: () => -1,
      describeError: () => 'Operation not permitted',
    }
    expect(whyNoRing(forbidding)).toBe('io_uring_setup: Operation not permitted')
    expect(() => new Ring(forbidding)).toThrow(UringError)
    const old = { ...calls, io_uring_register: () => -1, describeError: () => 'Invalid argument' }
    if (obstacle === undefined) {
      expect(whyNoRing(old)).toBe('io_uring_register of buffers: Invalid argument')
    }
  })
})
