// What a server owes to connections: any cut of the input is the same input, a slow or vanished client
// costs little and harms nobody, and limits hold. Over every transport.
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, type RunningNode, startNode } from './nodes.ts'
import { MIB, residentBytes } from './process-memory.ts'
import { served, start } from './processes.ts'
import { Replies } from './replies.ts'
import { TRANSPORTS } from './transports.ts'
import { statistic, statistics, Wire } from './wire.ts'

const DEADLINE_MS = 60_000
const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1')

describe.each(TRANSPORTS)('over %s', (transport) => {
  describe('any cut of the input is the same input', () => {
    let node: RunningNode
    let wire: Wire

    beforeAll(async () => {
      const args = ['-t', '1', '-I', '8m', '-m', '128', '--transport', transport]
      node = await startNode({ args })
      wire = await Wire.connect(node)
    })
    afterAll(async () => {
      wire?.destroy()
      await node?.stop('SIGKILL')
    })

    test('a conversation cut in two at every byte', async () => {
      const requests =
        'set a 1 0 5\r\nva\r\nl\r\nget a nope a\r\nms b 3 T0 c\r\nxyz\r\nmg b v k\r\n' +
        'set n 0 0 1\r\n1\r\nincr n 9\r\nset big 0 0 x\r\nappend a 0 0 2 noreply\r\n!!\r\n' +
        'gat 0 a\r\ndelete a\r\nbogus\r\nset a 0 0 1\r\nxyz\r\nmn\r\n'
      const whole = withoutCas(await wire.say(requests))
      await using cut = await Wire.connect(node)
      for (let at = 1; at < requests.length; at++) {
        cut.send(requests.slice(0, at))
        // The server has one thread: an answer to another connection means it has had a look at this one.
        await wire.ask('version\r\n')
        expect(withoutCas(await cut.say(requests.slice(at))), `cut at ${at}`).toBe(whole)
      }
    })

    test('thousands of commands in one packet', async () => {
      const count = 5_000
      const requests: string[] = []
      const answers: string[] = []
      for (let i = 0; i < count; i++) {
        requests.push(
          `set pipe-${i % 100} 0 0 4\r\n${1000 + (i % 9000)}\r\nget pipe-${i % 100}\r\n`,
        )
        answers.push(`STORED\r\nVALUE pipe-${i % 100} 0 4\r\n${1000 + (i % 9000)}\r\nEND\r\n`)
      }
      expect(await wire.say(requests.join(''))).toBe(answers.join(''))
    })

    test('a value of five megabytes in dribs', { timeout: DEADLINE_MS }, async () => {
      const value = pattern('dribs', 5_000_000)
      await using slow = await Wire.connect(node)
      slow.send(`set large 7 0 ${value.length}\r\n`)
      for (let at = 0, size = 1; at < value.length; at += size, size = (size * 7919) % 60_013) {
        slow.send(value.subarray(at, at + size))
        await slow.sent()
      }
      expect(await slow.say('\r\n')).toBe('STORED\r\n')
      const [got] = new Replies(await wire.ask('get large\r\n')).values()
      expect(got?.flags).toBe(7)
      expect(got?.data.equals(value)).toBe(true)
    })

    test('a line of 100,000 keys', { timeout: DEADLINE_MS }, async () => {
      const stored: string[] = []
      for (let i = 0; i < 100_000; i += 7) stored.push(`key-${i}`)
      await wire.ask(
        stored.map((key) => `set ${key} 0 0 ${key.length} noreply\r\n${key}\r\n`).join(''),
      )
      const keys = Array.from({ length: 100_000 }, (_, i) => `key-${i}`)
      const values = new Replies(await wire.ask(`get ${keys.join(' ')}\r\n`)).values()
      expect(values.map(({ key }) => key)).toEqual(stored)
      expect(values.every(({ key, data }) => data.toString() === key)).toBe(true)
    })

    test('a line of keys that never ends is not kept for ever', {
      timeout: DEADLINE_MS,
    }, async () => {
      await using endless = await Wire.connect(node)
      const before = residentBytes(node.pid)
      endless.send('get ')
      const keys = Buffer.from('k'.repeat(99).concat(' ').repeat(10_000))
      let sent = 0
      // The server closes it: what we send after that is refused.
      const closed = endless.readToEnd()
      while (!endless.socket.destroyed && !endless.over && sent < 200) {
        endless.send(keys)
        await Promise.race([endless.sent(), closed])
        sent++
      }
      expect((await closed).toString()).toBe('')
      expect(sent).toBeLessThan(200)
      expect(residentBytes(node.pid) - before).toBeLessThan(150 * MIB)
      expect(await wire.say('get a\r\n')).toMatch(/END\r\n$/)
    })
  })

  describe('clients that do not read', () => {
    const CLIENTS = 50
    const GETS = 16
    const LENGTH = 1_000_000
    /**
     * With direct system calls a client that doesn't read keeps its unread requests and one reply: its values stay in
     * the arena. The node transport has its values in a buffer: up to a megabyte and one value more.
     */
    const COST_BYTES = transport !== 'node' ? 256 * 1024 : 2.5 * MIB

    test('cost a bounded amount and nobody else’s time, and get every byte right when they read', {
      timeout: 120_000,
    }, async () => {
      const args = ['-t', '2', '-m', '256', '--transport', transport]
      await using node = await startNode({ args })
      await using other = await Wire.connect(node)
      const key = (client: number): string => `large-${client % 5}`
      const old = pattern('old', LENGTH)
      const young = pattern('young', LENGTH)
      for (let i = 0; i < 5; i++) await store(other, key(i), old)
      // Everything the server makes once, it has made.
      for (let i = 0; i < 5; i++) await other.ask(`get ${key(i)}\r\n`)
      const usedBefore = await usedChunks(node)
      const before = residentBytes(node.pid)

      const stuck = await Promise.all(Array.from({ length: CLIENTS }, () => Wire.connect(node)))
      for (const [i, wire] of stuck.entries()) {
        wire.socket.pause()
        wire.send(`get ${key(i)}\r\n`.repeat(GETS))
      }
      await quiet(() => statistic(node, 'bytes_written'))
      // All of it was not sent, so the rest is stuck in the server.
      expect(await statistic(node, 'bytes_written')).toBeLessThan(CLIENTS * GETS * LENGTH)
      expect(residentBytes(node.pid) - before).toBeLessThan(CLIENTS * COST_BYTES)

      // Others are served; and replacing what is being sent harms nobody.
      for (let i = 0; i < 100; i++) {
        expect(await other.say(`set small 0 0 1\r\n${i % 10}\r\nget small\r\n`)).toBe(
          `STORED\r\nVALUE small 0 1\r\n${i % 10}\r\nEND\r\n`,
        )
      }
      for (let i = 0; i < 5; i++) await store(other, key(i), young)

      // Every third leaves without having read; the others read on.
      const left = stuck.filter((_, i) => i % 3 === 0)
      for (const wire of left) wire.destroy()
      for (const [i, wire] of stuck.entries()) {
        if (left.includes(wire)) continue
        wire.socket.resume()
        const head = `VALUE ${key(i)} 0 ${LENGTH}\r\n`
        let seenYoung = false
        for (let n = 0; n < GETS; n++) {
          const answer = await wire.read(head.length + LENGTH + '\r\nEND\r\n'.length)
          expect(answer.toString('latin1', 0, head.length)).toBe(head)
          const value = answer.subarray(head.length, head.length + LENGTH)
          const isYoung = value.equals(young)
          expect(isYoung || (!seenYoung && value.equals(old)), 'old, then young').toBe(true)
          seenYoung ||= isYoung
          expect(answer.toString('latin1', head.length + LENGTH)).toBe('\r\nEND\r\n')
        }
        wire.destroy()
      }
      // Nothing of the old values is kept for anyone.
      await other.ask('delete small\r\n')
      await expect.poll(() => usedChunks(node), { timeout: 20_000 }).toBe(usedBefore)
    })
  })

  describe('comings and goings', () => {
    let node: RunningNode

    beforeAll(async () => {
      node = await startNode({ args: ['-t', '2', '--transport', transport] })
    })
    afterAll(() => node?.stop('SIGKILL'))

    test('a client that has said all it will gets all its answers', async () => {
      await using wire = await Wire.connect(node)
      await store(wire, 'large', pattern('large', 500_000))
      await using half = await Wire.connect(node)
      // More than the sockets' buffers hold, so that answers are still to be made at the end of input.
      half.socket.pause()
      half.send('get large\r\n'.repeat(60))
      half.send('version\r\n')
      half.end()
      await quiet(() => statistic(node, 'bytes_written'))
      half.socket.resume()
      const answers = await half.readToEnd()
      const one = 'VALUE large 0 500000\r\n'.length + 500_000 + '\r\nEND\r\n'.length
      expect(answers.subarray(60 * one).toString('latin1')).toMatch(/^VERSION .*\r\n$/)
    })

    test('a client that has said all it will, simply', async () => {
      await using half = await Wire.connect(node)
      half.send('set a 0 0 1\r\nx\r\nget a\r\n')
      half.end()
      expect((await half.readToEnd()).toString()).toBe('STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n')
    })

    test('a client that vanishes in the middle of a value leaves nothing', async () => {
      const before = await usedChunks(node)
      for (const length of [100, 100_000, 900_000]) {
        const wire = await Wire.connect(node)
        wire.send(`set vanishing 0 0 ${length}\r\n${'v'.repeat(length - 1)}`)
        await wire.sent()
        await expect.poll(() => usedChunks(node)).toBeGreaterThan(before)
        wire.destroy()
        await expect.poll(() => usedChunks(node)).toBe(before)
      }
    })

    // Over io_uring such a connection stayed, and its thread went round and round for it.
    test('clients that leave a long list in its middle are gone', async () => {
      const sets = Array.from({ length: 5000 }, (_, n) => `set listed:${n} 0 0 1 noreply\r\nx\r\n`)
      await using wire = await Wire.connect(node)
      await wire.say(`${sets.join('')}version\r\n`)
      const before = await statistic(node, 'curr_connections')
      for (let i = 0; i < 20; i++) {
        const leaving = await Wire.connect(node)
        leaving.send('lru_crawler metadump all\r\n')
        await once(leaving.socket, 'data')
        leaving.destroy()
      }
      await expect.poll(() => statistic(node, 'curr_connections')).toBe(before)
    })

    test.each([
      ['in the reply', 100, 100_000],
      ['in the arena', 20_000, 2_000],
    ])(
      'answers that nobody takes wait, and come whole (values %s)',
      async (_, length, gets) => {
        const key = (i: number): string => `waiting-${length}-${i}`
        const values = ['a', 'b', 'c'].map((text) => pattern(text, length).toString('latin1'))
        await using wire = await Wire.connect(node)
        for (const [i, value] of values.entries()) {
          await wire.say(`set ${key(i)} 0 0 ${length}\r\n${value}\r\n`)
        }
        const hitsBefore = await statistic(node, 'get_hits')
        await using slow = await Wire.connect(node)
        slow.socket.pause()
        const answer = values
          .map((value, i) => `VALUE ${key(i)} 0 ${length}\r\n${value}\r\nEND\r\n`)
          .join('')
        const request = values.map((_, i) => `get ${key(i)}\r\n`).join('')
        // In pieces that the server sees one after the other.
        for (let i = 0; i < gets; i += 20) {
          slow.send(request.repeat(20))
          if (i % 200 === 0) await nextTurn()
        }
        await quiet(() => statistic(node, 'bytes_written'))
        expect((await statistic(node, 'get_hits')) - hitsBefore).toBeLessThan(3 * gets)
        slow.socket.resume()
        const answers = Buffer.from(answer.repeat(20), 'latin1')
        for (let i = 0; i < gets; i += 20) {
          expect((await slow.read(answers.length)).equals(answers)).toBe(true)
        }
      },
      DEADLINE_MS,
    )

    test('nobody gets the answers of those who came, asked and vanished', {
      timeout: DEADLINE_MS,
    }, async () => {
      const ROUNDS = 60
      const stayers = await Promise.all(Array.from({ length: 8 }, () => Wire.connect(node)))
      for (const [i, wire] of stayers.entries()) {
        const value = pattern(`stayer-${i}`, 90).toString('latin1')
        expect(await wire.say(`set stayer-${i} 0 0 90\r\n${value}\r\n`)).toBe('STORED\r\n')
      }
      await store(stayers[0], 'large', pattern('large', 300_000))
      for (let round = 0; round < ROUNDS; round++) {
        const visitors = await Promise.all(Array.from({ length: 8 }, () => Wire.connect(node)))
        for (const [i, wire] of visitors.entries()) {
          wire.send(i % 2 === 0 ? `get stayer-${i}\r\n`.repeat(40) : 'get large\r\n'.repeat(4))
        }
        const asked = stayers.map(async (wire, i) => {
          const value = pattern(`stayer-${i}`, 90).toString('latin1')
          const answer = `VALUE stayer-${i} 0 90\r\n${value}\r\nEND\r\n`
          wire.send(`get stayer-${i}\r\n`.repeat(3))
          expect((await wire.read(3 * answer.length)).toString('latin1')).toBe(answer.repeat(3))
        })
        // Reset, not closed: what is under way for them fails at any moment.
        for (const wire of visitors) wire.socket.resetAndDestroy()
        await Promise.all(asked)
      }
      for (const wire of stayers) wire.destroy()
      await expect.poll(() => statistic(node, 'curr_connections')).toBeLessThan(5)
    })

    test('idle connections cost little and stay usable', { timeout: DEADLINE_MS }, async () => {
      const count = 500
      const open = await statistic(node, 'curr_connections')
      const before = residentBytes(node.pid)
      const idle = await Promise.all(Array.from({ length: count }, () => Wire.connect(node)))
      try {
        await expect
          .poll(() => statistic(node, 'curr_connections'))
          .toBeGreaterThanOrEqual(open + count - 1)
        await Promise.all(idle.map((wire) => wire.ask('version\r\n')))
        expect(residentBytes(node.pid) - before).toBeLessThan(count * 32 * 1024)
        for (const [i, wire] of idle.entries()) {
          expect(await wire.say(`set idle 0 0 3\r\n${100 + (i % 900)}\r\nget idle\r\n`)).toBe(
            `STORED\r\nVALUE idle 0 3\r\n${100 + (i % 900)}\r\nEND\r\n`,
          )
        }
      } finally {
        for (const wire of idle) wire.destroy()
      }
      await expect.poll(() => statistic(node, 'curr_connections')).toBeLessThan(open + 10)
    })
  })

  test('-c: a connection too many is told so and closed, and there is room again later', async () => {
    await using node = await startNode({ args: ['-c', '5', '--transport', transport] })
    const wires: Wire[] = []
    try {
      // The connection that saw the server start may still be closing.
      await expect
        .poll(async () => {
          const wire = await Wire.connect(node)
          wire.send('version\r\n')
          const answer = (await wire.readUntil('\r\n')).toString()
          if (answer.startsWith('VERSION')) wires.push(wire)
          return wires.length
        })
        .toBe(5)
      const tooMany = await Wire.connect(node)
      expect((await tooMany.readToEnd()).toString()).toBe('ERROR Too many open connections\r\n')
      const stats = await wires[0]?.say('stats\r\n')
      expect(stats).toMatch(/STAT max_connections 5\r\n/)
      expect(stats).toMatch(/STAT curr_connections 5\r\n/)
      expect(stats).toMatch(/STAT rejected_connections [1-9]\d*\r\n/)

      wires.pop()?.destroy()
      await expect
        .poll(async () => {
          const wire = await Wire.connect(node)
          wire.send('version\r\n')
          const answer = (await wire.readUntil('\r\n')).toString()
          wire.destroy()
          return answer
        })
        .toMatch(/^VERSION /)
    } finally {
      for (const wire of wires) wire.destroy()
    }
  })

  test('-s: a unix socket with the permissions of -a, removed at the end', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'memshard-'))
    try {
      const path = join(directory, 'server.sock')
      for (const run of ['fresh', 'over a stale file']) {
        await using server = start(['-s', path, '-a', '0750', '--transport', transport])
        await using wire = await served({ path }, server)
        const status = statSync(path)
        expect(status.isSocket(), run).toBe(true)
        expect(status.mode & 0o777, run).toBe(0o750)
        expect(await wire.say('set a 0 0 1\r\nx\r\nget a\r\n')).toBe(
          'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
        )
        const value = pattern('unix', 900_000)
        await store(wire, 'large', value)
        const [got] = new Replies(await wire.ask('get large\r\n')).values()
        expect(got?.data.equals(value)).toBe(true)
        server.process.kill(run === 'fresh' ? 'SIGKILL' : 'SIGTERM')
        await server.exited
      }
      expect(() => statSync(path)).toThrow(/ENOENT/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('-l: several addresses, IPv6 among them', async ({ skip }) => {
    skip(!hasIpv6, 'this machine has no ::1')
    const [four, six] = [await freePort(), await freePort()]
    await using server = start(['-l', `127.0.0.1:${four},[::1]:${six}`, '--transport', transport])
    await using first = await served({ host: '127.0.0.1', port: four }, server)
    await using second = await served({ host: '::1', port: six }, server)
    expect(await first.say('set a 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
    expect(await second.say('get a\r\n')).toBe('VALUE a 0 1\r\nx\r\nEND\r\n')
  })
})

/** Bytes that differ everywhere, and between names. */
function pattern(name: string, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7)
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    bytes[i] = state >>> 16
  }
  return bytes
}

async function store(wire: Wire, key: string, value: Buffer): Promise<void> {
  const line = Buffer.from(`set ${key} 0 0 ${value.length}\r\n`)
  expect(await wire.say(Buffer.concat([line, value, Buffer.from('\r\n')]))).toBe('STORED\r\n')
}

async function usedChunks(node: RunningNode): Promise<number> {
  const slabs = await statistics(node, 'slabs')
  return [...slabs]
    .filter(([name]) => name.endsWith(':used_chunks'))
    .reduce((sum, [, count]) => sum + Number(count), 0)
}

/** Resolves when the number has stopped to grow by more than asking for it costs. */
async function quiet(number: () => Promise<number>): Promise<void> {
  for (let before = await number(), still = 0; still < 3; ) {
    await sleep(100)
    const now = await number()
    still = now - before < 100_000 ? still + 1 : 0
    before = now
  }
}

function withoutCas(text: string): string {
  return text.replace(/ c\d+/g, ' c')
}
