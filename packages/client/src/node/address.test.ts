import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../errors.ts'
import { type NodeSpec, parseNode } from './address.ts'

describe('a node', () => {
  test.each<[NodeSpec, object]>([
    ['10.0.0.1', { name: '10.0.0.1', host: '10.0.0.1', port: 11211, path: '' }],
    ['10.0.0.1:11211', { name: '10.0.0.1', host: '10.0.0.1', port: 11211, path: '' }],
    ['cache.internal:11212', { name: 'cache.internal:11212', port: 11212 }],
    ['[::1]', { name: '::1', host: '::1', port: 11211 }],
    ['[2001:db8::3]:11212', { name: '2001:db8::3:11212', host: '2001:db8::3', port: 11212 }],
    ['/run/memcached.sock', { name: '/run/memcached.sock', path: '/run/memcached.sock' }],
    [
      { host: '10.0.0.1', name: 'blue', weight: 2 },
      { name: 'blue', weight: 2, port: 11211 },
    ],
    [{ path: '/run/a.sock', name: '/run/a.sock:0' }, { name: '/run/a.sock:0' }],
  ])('may be written as %j', (spec, address) => {
    expect(parseNode(spec)).toMatchObject(address)
  })

  test.each<NodeSpec>([
    '',
    ':11211',
    '::1',
    '[::1',
    'a:b',
    'host:99999',
    'host:0',
    'http://cache:11211',
    {},
    { host: 'a', path: '/b' },
    { host: 'a', weight: 0 },
    { host: 'a', weight: Number.NaN },
  ])('may not be written as %j', (spec) => {
    expect(() => parseNode(spec)).toThrow(ArgumentError)
  })
})
