import { expect, test } from 'vitest'
import type { ShownNode, ShownState } from './live-view.ts'
import type { NodeStatus } from './node-processes.ts'
import { storyOf } from './story.ts'

const NOW = 1_000_000

function formation(...states: readonly ShownState[]): [readonly ShownNode[], NodeStatus[]] {
  const common = states.map((state, i) => ({ name: `cache-${i + 1}`, port: i + 1, state }))
  return [
    common.map((node) => ({ ...node, share: 0.3, homeShare: 1 / 3, hits: 0, misses: 0 })),
    common.map(({ name, port, state }) => ({
      ...{ name, port, pid: undefined, revivedAt: undefined },
      state: state === 'returning' ? 'up' : state,
      downAt: state === 'down' ? NOW - 7_000 : undefined,
    })),
  ]
}

const missed = () => ({ ofThese: 1, ofOthers: 0 })

test('with all nodes up there is nothing to tell', () => {
  expect(storyOf(...formation('up', 'up', 'up'), missed, NOW)).toMatch(/^Each node has about/)
})

test('of a node that is down: since when, what was lost, and what was missed', () => {
  const story = storyOf(...formation('up', 'down', 'up'), missed, NOW)
  expect(story).toMatch(/^cache-2 is down for 7 s: its 33\.3 % of the keys/)
  expect(story).toContain('1 read of its keys missed, and 0 of all others')
})

test('of several, and of all', () => {
  const story = storyOf(...formation('down', 'down', 'up'), missed, NOW)
  expect(story).toMatch(/^cache-1 and cache-2 are down .*: their 66\.7 % of the keys/)
  expect(storyOf(...formation('down', 'down', 'down'), missed, NOW)).toMatch(/^All nodes are down/)
})

test('of one that is back', () => {
  const [nodes, [first, ...others]] = formation('up', 'up', 'up')
  const statuses = [{ ...first!, downAt: NOW - 9_000, revivedAt: NOW - 3_000 }, ...others]
  expect(storyOf(nodes, statuses, missed, NOW)).toMatch(/^cache-1 is back since 3 s, empty/)
})
