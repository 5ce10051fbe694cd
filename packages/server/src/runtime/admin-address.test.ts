import { expect, test } from 'vitest'
import { parseAdminAddress } from './admin-address.ts'

test.each([
  ['127.0.0.1:9150', '127.0.0.1', 9150],
  ['9150', '127.0.0.1', 9150],
  ['localhost:0', 'localhost', 0],
  ['[::1]:9150', '::1', 9150],
  ['cache-0.cache.svc:65535', 'cache-0.cache.svc', 65535],
  ['*:9150', undefined, 9150],
])('%s', (text, host, port) => {
  expect(parseAdminAddress(text)).toEqual({ host, port })
})

test.each(['', 'localhost', ':9150', 'a:b', '127.0.0.1:65536', '::1:9150', '[x]:1', '1:2:3'])(
  'refuses "%s"',
  (text) => {
    expect(() => parseAdminAddress(text)).toThrow(/--admin/)
  },
)
