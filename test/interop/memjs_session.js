// A day in the life of an application that uses memjs, over the binary protocol (the only one that it speaks)
// and against the nodes named as arguments. Checks what it gets and ends with an error if it is not what
// memcached would give.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import memjs from 'memjs'

const [protocol, ...nodes] = process.argv.slice(2)
assert.equal(protocol, 'binary')

const mc = memjs.Client.create(nodes.join(','), { timeout: 10, conntimeout: 10, retries: 1 })

async function text(key) {
  const { value } = await mc.get(key)
  return value === null ? null : value.toString()
}

async function checkValues() {
  const values = {
    text: Buffer.from('a text'),
    bytes: Buffer.from('\x00\x01\r\nEND\r\n\xff', 'latin1'),
    'ünïcode-ключ': Buffer.from('ein schöner Wert, ключ, 鍵'),
    empty: Buffer.alloc(0),
    large: Buffer.alloc(900_000, 'x'),
  }
  for (const [key, value] of Object.entries(values)) {
    assert.equal(await mc.set(key, value, {}), true, key)
    assert.deepEqual((await mc.get(key)).value, value, key)
    assert.equal(await mc.delete(key), true, key)
    assert.equal((await mc.get(key)).value, null, key)
  }
}

async function checkMany() {
  const many = Array.from({ length: 1000 }, (_, i) => [`many-${i}`, `value ${i}`])
  await Promise.all(many.map(([key, value]) => mc.set(key, value, {})))
  assert.deepEqual(
    await Promise.all(many.map(([key]) => text(key))),
    many.map(([, value]) => value),
  )
}

async function checkConditions() {
  assert.equal(await mc.add('condition', 'first', {}), true)
  assert.equal(await mc.add('condition', 'second', {}), false)
  assert.equal(await mc.replace('condition', 'third', {}), true)
  assert.equal(await text('condition'), 'third')
  assert.equal(await mc.delete('condition'), true)
  assert.equal(await mc.delete('condition'), false)
  assert.equal(await mc.replace('condition', 'fourth', {}), false)
}

async function checkConcatenation() {
  await mc.set('line', 'b', {})
  assert.equal(await mc.append('line', 'c'), true)
  // memjs 1.3.2 sends append's opcode for prepend, too.
  assert.equal(await mc.prepend('line', 'a'), true)
  assert.equal(await text('line'), 'bca')
  await assert.rejects(mc.append('nope', 'c'), /Item not stored/)
}

async function checkNumbers() {
  assert.equal((await mc.increment('counter', 5, { initial: 10 })).value, 10)
  assert.equal((await mc.increment('counter', 5, { initial: 10 })).value, 15)
  assert.equal((await mc.decrement('counter', 6, {})).value, 9)
  assert.equal((await mc.decrement('counter', 1000, {})).value, 0)
}

async function checkTime() {
  await mc.set('short', 'x', { expires: 1 })
  await mc.set('touched', 'x', { expires: 1 })
  assert.equal(await mc.touch('touched', 100), true)
  assert.equal(await mc.touch('nope', 100), false)
  const deadline = Date.now() + 10_000
  while ((await mc.get('short')).value !== null) {
    assert.ok(Date.now() < deadline, 'an item outlived its time')
    await sleep(50)
  }
  assert.equal(await text('touched'), 'x')
}

async function checkLimits() {
  await assert.rejects(mc.set('huge', Buffer.alloc(1_100_000, 'x'), {}), /TOO_LARGE|too large/i)
  assert.equal(await mc.set('after', 'an error the connection still works', {}), true)
  assert.equal(await text('after'), 'an error the connection still works')
}

async function checkStatistics() {
  const seen = []
  await new Promise((resolve, reject) => {
    mc.stats((error, server, stats) => {
      if (error) return reject(error)
      assert.match(stats.version, /^1\.6\./)
      assert.ok(Number(stats.cmd_get) > 0, `${server} was not asked`)
      seen.push(server)
      if (seen.length === nodes.length) resolve()
    })
  })
  assert.deepEqual(seen.sort(), [...nodes].sort())
}

await mc.flush()
await checkValues()
await checkMany()
await checkConditions()
await checkConcatenation()
await checkNumbers()
await checkTime()
await checkLimits()
await checkStatistics()
mc.quit()
const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('memjs/package.json'), 'utf8'),
)
console.log(`ok ${version}`)
