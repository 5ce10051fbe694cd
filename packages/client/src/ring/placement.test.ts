import { describe, expect, test } from 'vitest'
import { type PlacementOptions, placementOf } from './placement.ts'

/** As from JavaScript, where nothing checks the types. */
const untyped = (options: unknown) => placementOf(options as PlacementOptions)

describe('options that make no sense', () => {
  test.each<[unknown, string]>([
    [{ distribution: 'rings' }, 'distribution must be one of ring, rendezvous, jump, not rings'],
    [{ distribution: '__proto__' }, 'distribution must be one of'],
    [{ keyHash: 'sha1' }, 'keyHash must be one of md5, murmur3, not sha1'],
    [{ compat: 'toString' }, 'compat must be one of libmemcached, dalli'],
    [{ compat: 'dalli', distribution: 'ring' }, 'leave these out'],
    [{ compat: 'dalli', keyHash: 'md5' }, 'leave these out'],
    [{ compat: { spymemcached: {} } }, 'compat names libmemcached, pylibmc'],
    [{ compat: { libmemcached: {} } }, 'distribution must be one of modula, ketama'],
    [
      { compat: { libmemcached: { distribution: 'ketama', hash: 'hsieh' } } },
      'hash must be one of',
    ],
    [{ compat: { pylibmc: { tcp_nodelay: true } } }, 'takes what places keys'],
    [{ compat: { pylibmc: { distribution: 'random' } } }, 'distribution must be one of modula'],
    [{ compat: { pylibmc: { hash: 'hsieh' } } }, 'hash must be one of'],
    [{ compat: { 'php-memcached': { OPT_HASH: 'md5' } } }, 'OPT_HASH must be one of HASH_DEFAULT'],
    [{ compat: { 'php-memcached': { OPT_PREFIX_KEY: 'a' } } }, 'takes what places keys'],
    [{ compat: { twemproxy: { distribution: 'random' } } }, 'distribution must be one of ketama'],
    [{ compat: { twemproxy: { hash: 'murmur3' } } }, 'hash must be one of one_at_a_time'],
    [{ compat: { twemproxy: { hash_tag: '{' } } }, 'hashTag must be two ASCII characters'],
  ])('%o', (options, message) => {
    expect(() => untyped(options)).toThrow(message)
  })
})

describe('what a node without a name is called', () => {
  test.each<[PlacementOptions, string, string, string]>([
    [{}, '10.0.0.1', '10.0.0.1:11212', '/run/m'],
    [{ compat: 'libmemcached' }, '10.0.0.1', '10.0.0.1:11212', '/run/m'],
    [{ compat: { pylibmc: {} } }, '10.0.0.1', '10.0.0.1:11212', '/run/m:0'],
    [{ compat: 'twemproxy' }, '10.0.0.1', '10.0.0.1:11212', '/run/m'],
    [{ compat: 'memcached' }, '10.0.0.1', '10.0.0.1:11212', '/run/m'],
    [{ compat: 'dalli' }, '10.0.0.1:11211', '10.0.0.1:11212', '/run/m'],
    [{ compat: 'pymemcache' }, '10.0.0.1:11211', '10.0.0.1:11212', '/run/m'],
  ])('%o: %s', (options, usual, unusual, unix) => {
    const { naming } = placementOf(options)
    expect(naming('10.0.0.1', 11211, '')).toBe(usual)
    expect(naming('10.0.0.1', 11212, '')).toBe(unusual)
    expect(naming('', 11211, '/run/m')).toBe(unix)
  })
})
