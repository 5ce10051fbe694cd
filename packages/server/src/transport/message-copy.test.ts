import { expect, test } from 'vitest'
import { MemoryBlock } from '../cache/memory.ts'
import { Server } from '../protocol/conversation.ts'
import { copyOfMessage, copyPart } from './message-copy.ts'

test('the parts of an answer are the answer, however long they are', () => {
  const server = new Server()
  const client = server.connect()
  const values = [20_000, 10, 9_000, 600_000, 0, 8_193].map((length, i) => `${i}`.repeat(length))
  for (const [i, value] of values.entries()) {
    client.send(`set key:${i} 0 0 ${value.length}\r\n${value}\r\n`)
  }
  client.offer(values.map((_, i) => `get key:${i}\r\n`).join(''))
  client.execute()
  const { engine, cache } = server
  const { reply } = engine
  const whole = copyOfMessage(reply, cache.arena)
  const expected = values.map(
    (value, i) => `VALUE key:${i} 0 ${value.length}\r\n${value}\r\nEND\r\n`,
  )
  expect(whole.toString('latin1') === expected.join('')).toBe(true)
  for (const size of [1_000, 8_192, 61_440, 1_000_000]) {
    const target = new MemoryBlock(new ArrayBuffer(size))
    const parts: Buffer[] = []
    for (let from = 0; from < reply.totalBytes; ) {
      const length = copyPart(reply, cache.arena, from, target)
      expect(length).toBe(Math.min(size, reply.totalBytes - from))
      parts.push(Buffer.from(target.bytes.subarray(0, length)))
      from += length
    }
    expect(Buffer.concat(parts).equals(whole)).toBe(true)
  }
  engine.release(reply)
  server.check()
})
