// A day in the life of an application that uses the npm package memcached, over the text protocol (the only one
// that it speaks) and against the nodes named as arguments. Checks what it gets and ends with an error if it is
// not what memcached would give.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import Memcached from 'memcached'

const [protocol, ...nodes] = process.argv.slice(2)
assert.equal(protocol, 'text')

const client = new Memcached(nodes, { timeout: 10_000, maxValue: 4 * 1024 * 1024, retries: 1 })

/** The client's calls as promises. */
function call(method, ...argv) {
  return new Promise((resolve, reject) => {
    client[method](...argv, (error, result) => {
      if (error) reject(error instanceof Error ? error : new Error(JSON.stringify(error)))
      else resolve(result)
    })
  })
}

async function checkValues() {
  const values = {
    text: 'a text',
    lines: 'one\r\nEND\r\n\x00',
    bytes: Buffer.from('\x00\x01END\xff', 'latin1'),
    'ünïcode-ключ': 'ein schöner Wert, ключ, 鍵',
    number: 42,
    object: { a: [1, 2, { b: null }] },
    large: 'x'.repeat(900_000),
  }
  for (const [key, value] of Object.entries(values)) {
    assert.equal(await call('set', key, value, 100), true, key)
    assert.deepEqual(await call('get', key), value, key)
    assert.equal(await call('del', key), true, key)
    assert.equal(await call('get', key), undefined, key)
  }
}

async function checkMany() {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`many-${i}`, `value ${i}`]),
  )
  await Promise.all(Object.entries(many).map(([key, value]) => call('set', key, value, 100)))
  assert.deepEqual({ ...(await call('getMulti', [...Object.keys(many), 'nope'])) }, many)
}

async function checkConditions() {
  assert.equal(await call('add', 'condition', 'first', 100), true)
  await assert.rejects(call('add', 'condition', 'second', 100), /not stored/)
  assert.equal(await call('replace', 'condition', 'third', 100), true)
  assert.equal(await call('get', 'condition'), 'third')
  assert.equal(await call('del', 'condition'), true)
  assert.equal(await call('del', 'condition'), false)
  await assert.rejects(call('replace', 'condition', 'fourth', 100), /not stored/)
}

async function checkConcatenation() {
  await call('set', 'line', 'b', 100)
  assert.equal(await call('append', 'line', 'c'), true)
  assert.equal(await call('prepend', 'line', 'a'), true)
  assert.equal(await call('get', 'line'), 'abc')
  await assert.rejects(call('append', 'nope', 'c'), /not stored/)
}

async function checkNumbers() {
  await call('set', 'counter', 10, 100)
  assert.equal(await call('incr', 'counter', 5), 15)
  assert.equal(await call('decr', 'counter', 6), 9)
  assert.equal(await call('decr', 'counter', 1000), 0)
  assert.equal(await call('incr', 'nope', 1), false)
}

async function checkCas() {
  await call('set', 'cas', '1', 100)
  const { cas: unique, ...found } = await call('gets', 'cas')
  assert.equal(found.cas, undefined)
  assert.ok(unique)
  assert.equal(await call('cas', 'cas', '2', unique, 100), true)
  assert.equal(await call('cas', 'cas', '3', unique, 100), false)
  assert.equal(await call('get', 'cas'), '2')
}

async function checkTime() {
  await call('set', 'short', 'x', 1)
  await call('set', 'touched', 'x', 1)
  assert.equal(await call('touch', 'touched', 100), true)
  const deadline = Date.now() + 10_000
  while ((await call('get', 'short')) !== undefined) {
    assert.ok(Date.now() < deadline, 'an item outlived its time')
    await sleep(50)
  }
  assert.equal(await call('get', 'touched'), 'x')
}

async function checkLimits() {
  // This client takes a SERVER_ERROR for a failing server, and asks it nothing more for a time: use another.
  const unlucky = new Memcached(nodes, { maxValue: 4 * 1024 * 1024 })
  const issue = once(unlucky, 'issue')
  unlucky.set('huge', 'x'.repeat(1_100_000), 100, () => {})
  const [{ messages }] = await issue
  assert.deepEqual(messages, ['object too large for cache'])
  unlucky.end()
  assert.equal(await call('get', 'huge'), undefined)
}

async function checkStatistics() {
  for (const { server, version } of await call('version')) assert.match(version, /^1\.6\./, server)
  const stats = await call('stats')
  assert.equal(stats.length, nodes.length)
  // Of the items, a proxy knows nothing.
  if (process.env.THROUGH_PROXY) return
  for (const node of stats) assert.ok(node.curr_items > 0, node.server)
  for (const node of await call('settings')) assert.ok(node.maxbytes > 0)
  for (const node of await call('slabs')) assert.ok(Object.keys(node).length > 1)
  for (const node of await call('items')) assert.ok(Object.keys(node).length > 1)
}

await call('flush')
await checkValues()
await checkMany()
await checkConditions()
await checkConcatenation()
await checkNumbers()
await checkCas()
await checkTime()
await checkLimits()
await checkStatistics()
client.end()
const { version } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('memcached/package.json'), 'utf8'),
)
console.log(`ok ${version}`)
// The client that met a failing server goes on trying to reconnect.
process.exit()
