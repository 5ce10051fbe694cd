// At which hosts of its configuration anybody on a network may use the proxy.
import { expect, test } from 'vitest'
import { parseConfiguration } from './configuration-file.ts'
import { exposedHosts } from './exposure.ts'

function exposed(listen: string): readonly string[] {
  return exposedHosts(
    parseConfiguration('proxy.yml', `listen: ${listen}\npools: { a: { nodes: 10.0.0.1 } }`),
  )
}

test('this machine is no network, by whatever address', () => {
  expect(exposed('[127.0.0.1:1, 127.8.9.1:2, "[::1]:3", localhost:4, 5, /run/a.sock]')).toEqual([])
})

test('another address is, and a name that only begins like one of this machine', () => {
  expect(exposed('[10.0.0.1:1, "[::]:2", 127.example.org:3]')).toEqual([
    '10.0.0.1',
    '::',
    '127.example.org',
  ])
})
