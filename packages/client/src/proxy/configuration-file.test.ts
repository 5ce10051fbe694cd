import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseConfiguration } from './configuration-file.ts'

const parse = (text: string): ReturnType<typeof parseConfiguration> =>
  parseConfiguration('proxy.yml', text)

test('the example of the documentation is a configuration', () => {
  const page = readFileSync(new URL('../../../../docs/PROXY.md', import.meta.url), 'utf8')
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  const { listen, pools, routes, maxValueSize } = parse(example)
  expect(listen).toEqual([
    { host: '127.0.0.1', port: 11311, path: '' },
    { host: '', port: 0, path: '/run/memshard/cache.sock' },
  ])
  expect([...pools.keys()]).toEqual(['main', 'west', 'sessions', 'next'])
  expect(pools.get('main')?.options.onNodeDown).toEqual({
    gutter: ['10.0.0.8:11211', '10.0.0.9:11211'],
    ttl: 10,
  })
  expect(pools.get('west')?.options.nodes).toHaveProperty('watch')
  expect(routes).toEqual([
    { prefix: 'session:', pools: ['sessions'], shadow: undefined },
    { prefix: 'user:', pools: ['main', 'west'], shadow: undefined },
    { prefix: '', pools: ['main'], shadow: { pool: 'next', share: 0.05 } },
  ])
  expect(maxValueSize).toBe(1024 * 1024)
})

test('one pool needs no routes', () => {
  const { routes } = parse('listen: 11311\npools: { a: { nodes: 10.0.0.1 } }')
  expect(routes).toEqual([{ prefix: '', pools: ['a'], shadow: undefined }])
})

const POOLS = 'listen: 11311\npools:\n  a: { nodes: [10.0.0.1] }\n  b: { nodes: [10.0.0.2] }\n'

test('a discovery may say what it wants to know, if it can use that', () => {
  const nodes = (text: string): unknown =>
    parse(`listen: 11311\npools: { a: { nodes: ${text} } }`).pools.get('a')?.options.nodes
  for (const text of [
    "{ from: 'dns:nodes:11211', interval: 5000, servers: [10.0.0.53] }",
    "{ from: 'srv:_memcache._tcp.nodes', connectByName: true, servers: 10.0.0.53:5353 }",
    "{ from: 'file:/etc/nodes', interval: 100 }",
    "'etcds://app:s%40fe@a,b:2379/prefix/'",
  ]) {
    expect(nodes(text), text).toHaveProperty('watch')
  }
  for (const [text, message] of [
    ["{ from: 'file:/etc/nodes', servers: [10.0.0.53] }", /servers is nothing that "file:/],
    ["{ from: '10.0.0.1', interval: 5000 }", /interval is nothing that "10\.0\.0\.1" could use/],
    ['{ interval: 5000 }', /pools\.a\.nodes has no from/],
    ["{ from: 'dns:nodes', interval: soon }", /interval must be a whole number/],
    ["'etcd://app:%zz@a/prefix'", /must be written as in a URL/],
  ] as const) {
    expect(() => nodes(text), text).toThrow(message)
  }
})

describe('what is wrong is told with its line', () => {
  test.for([
    ['a: [', /^proxy\.yml:1: this is no YAML: /],
    ['- a', /^proxy\.yml: there must be a map/],
    ['listen: 11311', /^proxy\.yml:1: the file has no pools: name at least one/],
    ['listen: nowhere:x\npools: {}', /^proxy\.yml:1: listen can't be: "nowhere:x" is nowhere/],
    [POOLS, /^proxy\.yml:1: the file has no routes: with several pools, say which/],
    [`${POOLS}routes: []`, /^proxy\.yml:5: routes is empty/],
    [
      `${POOLS}routes:\n  - pool: c`,
      /^proxy\.yml:6: routes\[0\]\.pool names no pool: there are a, b/,
    ],
    [
      `${POOLS}routes:\n  - { pool: a }\n  - { pool: b }`,
      /^proxy\.yml:7: routes\[1\] is the second route for a default/,
    ],
    [
      `${POOLS}routes:\n  - { prefix: x }`,
      /^proxy\.yml:6: routes\[0\] needs either pool, or pools/,
    ],
    [`${POOLS}routes:\n  - { pools: [a, a] }`, /^proxy\.yml:6: routes\[0\] names a pool twice/],
    [
      `${POOLS}routes:\n  - pool: a\n    shadow: { pool: b, share: 200% }`,
      /^proxy\.yml:7: routes\[0\]\.shadow\.share must be a share/,
    ],
    [
      `${POOLS}routes:\n  - pool: a\n    shadow: { pool: a }`,
      /^proxy\.yml:7: routes\[0\]\.shadow\.pool is a pool of the route itself/,
    ],
    [
      'listen: 11311\npools:\n  a:\n    nodes: [10.0.0.1]\n    timeuot: 5',
      /^proxy\.yml:5: pools\.a\.timeuot is not known here: there are nodes, compat, .*timeout/,
    ],
    [
      'listen: 11311\npools:\n  a:\n    nodes: [10.0.0.1]\n    timeout: fast',
      /^proxy\.yml:5: pools\.a\.timeout must be a whole number above 0/,
    ],
    [
      'listen: 11311\npools:\n  a:\n    nodes: [10.0.0.1, 10.0.0.1]',
      /^proxy\.yml:4: pools\.a can't be: two nodes have the same name/,
    ],
    [
      'listen: 11311\npools:\n  a:\n    nodes: [10.0.0.1]\n    compat: memshard',
      /^proxy\.yml:4: pools\.a can't be: compat must be one of libmemcached, /,
    ],
    [
      'listen: 11311\npools:\n  a:\n    nodes: etcd:x',
      /^proxy\.yml:4: pools\.a\.nodes can't be: "etcd:x" names no nodes: write host:port/,
    ],
    [
      'listen: 11311\npools:\n  a:\n    nodes: [10.0.0.1]\n    tls: { ca: nowhere.pem }',
      /^proxy\.yml:5: pools\.a\.tls\.ca can't be read: ENOENT/,
    ],
  ] as const)('%s', ([text, message]) => {
    expect(() => parse(text)).toThrow(message)
  })
})
