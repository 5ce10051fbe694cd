import { expect, test } from 'vitest'
import { isCrossSite, isForeignName, isLoopback, Token } from './access.ts'

test('a token is in the header as it was given, and in no other way', () => {
  const token = new Token('correct-horse-battery')
  expect(token.isIn({ authorization: 'Bearer correct-horse-battery' })).toBe(true)
  expect(token.isIn({ authorization: 'bearer  correct-horse-battery ' })).toBe(true)
  for (const authorization of [
    'correct-horse-battery',
    'Bearer',
    'Bearer ',
    'Bearer correct-horse-batter',
    'Bearer correct-horse-battery x',
    'Basic correct-horse-battery',
  ]) {
    expect(token.isIn({ authorization }), authorization).toBe(false)
  }
  expect(token.isIn({})).toBe(false)
})

test('names of this machine', () => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    'a.localhost',
  ]) {
    expect(isLoopback(host), host).toBe(true)
  }
  for (const host of ['', '10.0.0.1', '::', 'example.com', '127.evil.com', 'localhost.evil.com']) {
    expect(isLoopback(host), host).toBe(false)
  }
})

test('a foreign name that leads here is found out', () => {
  for (const host of ['127.0.0.1:9150', 'localhost', 'localhost:1', '[::1]:9150']) {
    expect(isForeignName({ host }), host).toBe(false)
  }
  for (const host of [
    'evil.com',
    'evil.com:9150',
    '10.0.0.1:9150',
    '',
    'localhost:x',
    '127.0.0.1.evil.com:80',
  ]) {
    expect(isForeignName({ host }), host).toBe(true)
  }
  expect(isForeignName({})).toBe(true)
})

test('what another site asks for is refused, a link from there is not', () => {
  const host = '127.0.0.1:9150'
  const own = { host, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }
  expect(isCrossSite({ host })).toBe(false)
  expect(isCrossSite(own)).toBe(false)
  expect(isCrossSite({ ...own, origin: `http://${host}` })).toBe(false)
  expect(isCrossSite({ host, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })).toBe(false)
  const link = { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  expect(isCrossSite(link)).toBe(false)
  expect(isCrossSite({ ...link, origin: 'http://evil.com' })).toBe(true)
  expect(isCrossSite({ ...link, 'sec-fetch-mode': 'no-cors' })).toBe(true)
  expect(isCrossSite({ ...own, 'sec-fetch-site': 'same-site' })).toBe(true)
  expect(isCrossSite({ host, origin: 'http://evil.com' })).toBe(true)
  expect(isCrossSite({ host, origin: 'null' })).toBe(true)
})
