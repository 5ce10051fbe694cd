import { describe, expect, test } from 'vitest'
import { socketAddress } from './linux.ts'

describe('a socket address, as the kernel wants it', () => {
  test('of IPv4', () => {
    const { bytes } = socketAddress({ kind: 'tcp', host: '127.0.0.1', port: 11211 })
    expect([...bytes.subarray(2)]).toEqual([0x2b, 0xcb, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  test.each([
    ['::1', '00000000000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['fe80::1:2', 'fe800000000000000000000000010002'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
  ])('of IPv6 %s', (host, hex) => {
    const { bytes } = socketAddress({ kind: 'tcp', host, port: 1 })
    expect(bytes).toHaveLength(28)
    expect(Buffer.from(bytes.subarray(8, 24)).toString('hex')).toBe(hex)
  })

  test('of a unix socket', () => {
    const { bytes } = socketAddress({ kind: 'unix', path: '/run/m.sock' })
    expect(Buffer.from(bytes.subarray(2)).toString()).toBe('/run/m.sock\0')
  })
})
