import * as client from '@memshard/client'
import { expect, test } from 'vitest'
import { formationNodes } from './formation-nodes.ts'

/** Tells what a discovery was asked for, in place of looking. */
const TELLING = {
  ...client,
  fileDiscovery: (path: string) => ({ file: path }) as unknown as client.Discovery,
  etcdDiscovery: (options?: object) => ({ etcd: options }) as unknown as client.Discovery,
}

test('a list of nodes, with a login where they want one', () => {
  expect(formationNodes('a:11211,b:11212,[::1]:11213', client)).toEqual({
    nodes: ['a:11211', 'b:11212', '[::1]:11213'],
  })
  expect(formationNodes('me:secret@a:11211', client)).toEqual({
    nodes: ['a:11211'],
    auth: { username: 'me', password: 'secret' },
  })
})

test('a file that is watched', () => {
  expect(formationNodes('file:/run/nodes', TELLING).nodes).toEqual({ file: '/run/nodes' })
  expect(formationNodes('file:///run/nodes', TELLING).nodes).toEqual({ file: '/run/nodes' })
  expect(formationNodes('file:nodes', TELLING).nodes).toEqual({ file: 'nodes' })
})

test('etcd, with its members, its login and a prefix', () => {
  const etcd = (list: string): unknown => formationNodes(list, TELLING).nodes
  expect(etcd('etcd://a:2379')).toEqual({ etcd: { endpoints: ['http://a:2379'] } })
  expect(etcd('etcds://me:p%40ss@a:2379,b:2379/cache/')).toEqual({
    etcd: {
      endpoints: ['https://a:2379', 'https://b:2379'],
      auth: { username: 'me', password: 'p@ss' },
      prefix: '/cache/',
    },
  })
})

test.each(['file:', 'etcd://', 'etcd:///prefix/'])('refuses %s', (list) => {
  expect(() => formationNodes(list, client)).toThrow(/wants|must be/)
})
