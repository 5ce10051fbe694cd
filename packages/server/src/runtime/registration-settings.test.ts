import { describe, expect, test } from 'vitest'
import { advertisedBy, parseAdvertised, parseEtcdUrl } from './registration-settings.ts'

describe('--register', () => {
  test('names one member of etcd, or several, by a port or the usual one', () => {
    expect(parseEtcdUrl('etcd://10.0.0.1:2379,[::1]:4001,etcd-2')).toEqual({
      endpoints: ['http://10.0.0.1:2379', 'http://[::1]:4001', 'http://etcd-2:2379'],
      auth: undefined,
      prefix: undefined,
      ttlSeconds: undefined,
    })
  })

  test('takes a prefix, a login, a time to live, and TLS', () => {
    expect(parseEtcdUrl('etcds://cache:p%40ss@etcd/sessions?ttl=30')).toEqual({
      endpoints: ['https://etcd:2379'],
      auth: { username: 'cache', password: 'p@ss' },
      prefix: '/sessions/',
      ttlSeconds: 30,
    })
    expect(parseEtcdUrl('etcd://etcd/a/b/').prefix).toBe('/a/b/')
    expect(parseEtcdUrl('etcd://etcd/').prefix).toBeUndefined()
  })

  test.each([
    'http://etcd:2379',
    'etcd://',
    'etcd://a b',
    'etcd://a,,b',
    'etcd://a:port',
    'etcd://a?ttl=soon',
    'etcd://a?ttl=0',
    'etcd://user@a',
    'etcd://user:%zz@a',
  ])('refuses %s', (text) => {
    expect(() => parseEtcdUrl(text)).toThrow(/--register/)
  })
})

describe('--register-as', () => {
  test('is an address, with its port or the one that is listened on', () => {
    expect(parseAdvertised('cache-1.example:11211')).toEqual({
      host: 'cache-1.example',
      port: 11211,
    })
    expect(parseAdvertised('10.1.2.3')).toEqual({ host: '10.1.2.3', port: 0 })
    expect(parseAdvertised('[fd00::1]:11212')).toEqual({ host: 'fd00::1', port: 11212 })
  })

  test.each(['0.0.0.0:11211', '[::]', 'a:b', 'a:70000', '', 'fd00::1'])('refuses "%s"', (text) => {
    expect(() => parseAdvertised(text)).toThrow(/--register-as/)
  })

  test('is the address listened on, if that is one that clients can reach', () => {
    expect(advertisedBy([{ host: '10.1.2.3', port: 0 }])).toEqual({ host: '10.1.2.3', port: 0 })
    for (const host of [undefined, '0.0.0.0', '::']) {
      expect(() => advertisedBy([{ host, port: 11211 }])).toThrow(/--register-as/)
    }
  })
})
