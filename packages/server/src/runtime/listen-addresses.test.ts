import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseListenAddresses } from './listen-addresses.ts'
import { CommandLineError } from './option-values.ts'

const PORT = 11211

describe('an address', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1', PORT],
    ['127.0.0.1:11311', '127.0.0.1', 11311],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['cache-1.example.org', 'cache-1.example.org', PORT],
    ['localhost:11311', 'localhost', 11311],
    ['::1', '::1', PORT],
    ['fe80::1%eth0', 'fe80::1%eth0', PORT],
    ['[::1]', '::1', PORT],
    ['[::1]:11311', '::1', 11311],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', PORT],
    ['*', undefined, PORT],
    ['*:11311', undefined, 11311],
  ])('%s', (text, host, port) => {
    expect(parseListenAddresses(text, PORT)).toEqual([{ host, port }])
  })
})

describe('before an address may stand, in this order', () => {
  test.each([
    ['notls:127.0.0.1:11311', {}],
    ['proto[ascii]:127.0.0.1:11311', { protocol: 'ascii' }],
    ['proto[binary]:127.0.0.1:11311', { protocol: 'binary' }],
    ['proto_binary_:127.0.0.1:11311', { protocol: 'binary' }],
    ['proto[negotiating]:127.0.0.1:11311', { protocol: 'auto' }],
    ['tag[blue]:127.0.0.1:11311', {}],
    ['tag_blue_:127.0.0.1:11311', {}],
    ['notls:proto[ascii]:tag[12345678]:127.0.0.1:11311', { protocol: 'ascii' }],
  ])('%s', (text, more) => {
    expect(parseListenAddresses(text, PORT)).toEqual([{ host: '127.0.0.1', port: 11311, ...more }])
  })

  test('an IPv6 address too', () => {
    expect(parseListenAddresses('proto[ascii]:[::1]:1,tag[a]:::1', PORT)).toEqual([
      { host: '::1', port: 1, protocol: 'ascii' },
      { host: '::1', port: PORT },
    ])
  })
})

test('a list is divided by commas and semicolons, and gives each address once', () => {
  expect(parseListenAddresses('127.0.0.1,127.0.0.2:11311;[::1],,127.0.0.1:11211', PORT)).toEqual([
    { host: '127.0.0.1', port: PORT },
    { host: '127.0.0.2', port: 11311 },
    { host: '::1', port: PORT },
  ])
})

describe('what is no address is refused by its text', () => {
  test.each([
    '127.0.0.1:abc',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '300.0.0.1',
    ':11211',
    '[::1',
    '[::1]11211',
    '[127.0.0.1]:11211',
    '[]:11211',
    '::::',
    'a:b:c',
    'no host',
    '',
    ',;',
    'tls:127.0.0.1',
    'proto[proxy]:127.0.0.1',
    'proto[http]:127.0.0.1',
    'proto[ascii:127.0.0.1',
    'tag[]:127.0.0.1',
    'tag[nine-long]:127.0.0.1',
    'tag[blue]:notls:127.0.0.1',
  ])('"%s"', (text) => {
    expect(() => parseListenAddresses(text, PORT)).toThrow(CommandLineError)
    expect(() => parseListenAddresses(text, PORT)).toThrow(`"${text}"`)
  })
})

describe('with TLS', () => {
  test.each([
    ['127.0.0.1', 'optional'],
    ['notls:127.0.0.1', undefined],
    ['btls:127.0.0.1', 'ignored'],
    ['mtls:127.0.0.1', 'required'],
    ['mtls:proto[binary]:tag[blue]:127.0.0.1', 'required'],
  ] as const)('at %s clients’ certificates are %s', (text, expected) => {
    const [address] = parseListenAddresses(text, PORT, 'optional')
    expect(address?.clientCertificates).toBe(expected)
    // Whoever asks for TLS without having it is told so elsewhere; nothing is TLS by its prefix alone.
    expect(parseListenAddresses(text, PORT)[0]?.clientCertificates).toBeUndefined()
  })
})

test('every address and port is read back as it was written', () => {
  const address = fc.record({
    host: fc.oneof(fc.ipV4(), fc.ipV6()),
    port: fc.integer({ min: 0, max: 65535 }),
  })
  fc.assert(
    fc.property(fc.array(address, { minLength: 1 }), (addresses) => {
      const list = addresses.map(({ host, port }) =>
        host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
      )
      const unique = new Map(addresses.map((one, index) => [list[index], one]))
      expect(parseListenAddresses(list.join(','), PORT)).toEqual([...unique.values()])
    }),
  )
})
