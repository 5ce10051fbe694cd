import { expect, test } from 'vitest'
import { type FormationNode, type FormationState, SAMPLED, type Sampled } from '../page-data.ts'
import { figuresOf } from './formation-rows.ts'

function node(name: string, told: Partial<Record<Sampled, number>> | string): FormationNode {
  const about = { name, address: `${name}:11211`, share: 0.5 }
  if (typeof told === 'string') return { ...about, down: told, values: null }
  const all = { uptime: 5_000, ...Object.fromEntries(COUNTERS.map((name) => [name, 0])), ...told }
  return { ...about, values: SAMPLED.map((name) => all[name as keyof typeof all] ?? null) }
}

const COUNTERS: readonly Sampled[] = [
  'get_hits',
  'get_misses',
  'cmd_set',
  'cmd_touch',
  'delete_hits',
  'delete_misses',
  'incr_hits',
  'incr_misses',
  'decr_hits',
  'decr_misses',
  'evictions',
]

function looks(
  before: readonly FormationNode[],
  now: readonly FormationNode[],
): [FormationState, FormationState] {
  return [
    { at: 10_000, nodes: now },
    { at: 0, nodes: before },
  ]
}

test('load, hit ratio and balance over the time between two looks', () => {
  const { rows, perSecond, hitRatio, imbalance, up } = figuresOf(
    ...looks(
      [node('a', {}), node('b', {})],
      [node('a', { get_hits: 300 }), node('b', { get_hits: 50, get_misses: 50 })],
    ),
  )
  expect(
    rows.map(({ perSecond, load, hitRatio, mark }) => [perSecond, load, hitRatio, mark]),
  ).toEqual([
    [30, 0.75, 1, undefined],
    [10, 0.25, 0.5, 'cold'],
  ])
  expect(rows[1]?.reason).toBe('it finds 50 % where others find 100 %')
  expect([perSecond, hitRatio, imbalance, up]).toEqual([40, 350 / 400, 1.5, 2])
})

test('a node that has just started is cold until it shows that it isn’t', () => {
  const young = { uptime: 30 }
  const quiet = figuresOf(
    ...looks([node('a', {}), node('b', young)], [node('a', {}), node('b', young)]),
  )
  expect(quiet.rows.map(({ mark, reason }) => [mark, reason])).toEqual([
    [undefined, undefined],
    ['cold', 'it has just started'],
  ])
  const busy = figuresOf(
    ...looks(
      [node('a', {}), node('b', young)],
      [
        node('a', { get_hits: 90, get_misses: 10 }),
        node('b', { ...young, get_hits: 90, get_misses: 10 }),
      ],
    ),
  )
  expect(busy.rows.map(({ mark }) => mark)).toEqual([undefined, undefined])
})

test('all of a formation that has just started is not cold', () => {
  const nodes = [node('a', { uptime: 3 }), node('b', { uptime: 4 })]
  expect(figuresOf(...looks(nodes, nodes)).rows.map(({ mark }) => mark)).toEqual([
    undefined,
    undefined,
  ])
})

test('one that is down says why, one that began anew makes no rate', () => {
  const { rows, up } = figuresOf(
    ...looks(
      [node('a', { get_hits: 10 }), node('b', {})],
      [node('a', { get_hits: 2 }), node('b', 'connect ECONNREFUSED')],
    ),
  )
  expect(rows[0]?.perSecond).toBeNull()
  expect(rows[1]).toMatchObject({ mark: 'down', reason: 'connect ECONNREFUSED', items: null })
  expect(up).toBe(1)
})

test('a first look has no rates', () => {
  const { rows, perSecond } = figuresOf({ at: 1, nodes: [node('a', {})] }, undefined)
  expect([perSecond, rows[0]?.perSecond, rows[0]?.load]).toEqual([null, null, null])
})
