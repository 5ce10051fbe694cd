// What the dashboard knows: of each node the last sample, rates and history, and what the user looks at. Pure: outcomes of
// samples and actions of the user go in, the next state comes out. Knows no terminal and no client.
import { type Rates, ratesBetween, sumOfRates } from './rates.ts'
import type { Sample } from './statistics.ts'

export const VIEWS = ['nodes', 'keys', 'slabs', 'latency'] as const
export type View = (typeof VIEWS)[number]

/** Wider than any sparkline. */
const HISTORY = 240
/** A node is cold when its hit ratio lies so far under that of the others together. */
const COLD_BY = 0.1

export interface NodeIdentity {
  readonly name: string
  readonly address: string
  /** Of the keys, 0 to 1. */
  readonly share: number
}

export interface NodeState extends NodeIdentity {
  /** The last one there was; of a node that is down too, for the rates when it is back. */
  readonly sample: Sample | undefined
  readonly rates: Rates | undefined
  /** Why it is down; undefined when it answers, or wasn't asked yet. */
  readonly down: string | undefined
  /** Operations by second, the newest last; 0 while it is down. */
  readonly history: readonly number[]
}

export interface Dashboard {
  readonly nodes: readonly NodeState[]
  /** Of all together, a figure each round; the newest last. */
  readonly operations: readonly number[]
  readonly hitRatios: readonly number[]
  readonly view: View
  /** The column that rows are sorted by, of each view. */
  readonly sort: Readonly<Record<View, number>>
  readonly isPaused: boolean
  readonly isHelpShown: boolean
}

export type Outcome = { readonly sample: Sample } | { readonly down: string }

export type Action =
  | { readonly do: 'quit' | 'help' | 'pause' | 'nextView' | 'previousView' }
  | { readonly do: 'view'; readonly view: View }
  | { readonly do: 'sort'; readonly by: 1 | -1 }

export function newDashboard(nodes: readonly NodeIdentity[]): Dashboard {
  return {
    nodes: nodes.map((node) => ({
      ...node,
      sample: undefined,
      rates: undefined,
      down: undefined,
      history: [],
    })),
    operations: [],
    hitRatios: [],
    view: 'nodes',
    sort: { nodes: 0, keys: 0, slabs: 0, latency: 0 },
    isPaused: false,
    isHelpShown: false,
  }
}

export function withOutcome(dashboard: Dashboard, name: string, outcome: Outcome): Dashboard {
  const nodes = dashboard.nodes.map((node) => (node.name === name ? heard(node, outcome) : node))
  return { ...dashboard, nodes }
}

function heard(node: NodeState, outcome: Outcome): NodeState {
  if ('down' in outcome) {
    const { down } = outcome
    return { ...node, down, rates: undefined, history: appended(node.history, 0) }
  }
  const { sample } = outcome
  const rates = node.sample && ratesBetween(node.sample, sample)
  const history = rates ? appended(node.history, rates.operations) : node.history
  return { ...node, sample, rates, down: undefined, history }
}

/** When all nodes have answered or failed. */
export function afterRound(dashboard: Dashboard): Dashboard {
  const { rates } = totalOf(dashboard)
  if (rates === undefined) return dashboard
  return {
    ...dashboard,
    operations: appended(dashboard.operations, rates.operations),
    hitRatios: appended(dashboard.hitRatios, rates.hitRatio ?? 0),
  }
}

function appended(history: readonly number[], figure: number): number[] {
  return [...history.slice(1 - HISTORY), figure]
}

/** `columns` is how many the view has. Quitting is for the one who runs the dashboard. */
export function afterAction(dashboard: Dashboard, action: Action, columns: number): Dashboard {
  const { view, sort } = dashboard
  const turned = (by: number): Dashboard => {
    const next = VIEWS[(VIEWS.indexOf(view) + by + VIEWS.length) % VIEWS.length] as View
    return { ...dashboard, view: next, isHelpShown: false }
  }
  switch (action.do) {
    case 'quit':
      return dashboard
    case 'help':
      return { ...dashboard, isHelpShown: !dashboard.isHelpShown }
    case 'pause':
      return { ...dashboard, isPaused: !dashboard.isPaused }
    case 'nextView':
      return turned(1)
    case 'previousView':
      return turned(-1)
    case 'view':
      return { ...dashboard, view: action.view, isHelpShown: false }
    case 'sort': {
      const next = (sort[view] + action.by + columns) % columns
      return { ...dashboard, sort: { ...sort, [view]: next } }
    }
  }
}

export interface Total {
  readonly up: number
  readonly down: number
  /** Undefined until two samples of a node are there. */
  readonly rates: Rates | undefined
  readonly bytes: number
  readonly limit: number
  readonly items: number
  readonly connections: number
}

/** Of the nodes that answer. */
export function totalOf({ nodes }: Dashboard): Total {
  const samples = nodes.flatMap(({ sample, down }) => (sample && down === undefined ? sample : []))
  const rates = nodes.flatMap(({ rates }) => rates ?? [])
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0)
  return {
    up: samples.length,
    down: nodes.filter(({ down }) => down !== undefined).length,
    rates: rates.length === 0 ? undefined : sumOfRates(rates),
    bytes: sum(({ bytes }) => bytes),
    limit: sum(({ limit }) => limit),
    items: sum(({ items }) => items),
    connections: sum(({ connections }) => connections),
  }
}

export type Condition = 'up' | 'cold' | 'down' | 'unknown'

/** Cold is a node that misses far more than the others do, as after it was started anew. */
export function conditionOf(node: NodeState, { nodes }: Dashboard): Condition {
  if (node.down !== undefined) return 'down'
  if (node.sample === undefined) return 'unknown'
  const others = nodes.flatMap(({ name, rates }) => (name === node.name ? [] : (rates ?? [])))
  const own = node.rates?.hitRatio
  const theirs = sumOfRates(others).hitRatio
  return own !== undefined && theirs !== undefined && own < theirs - COLD_BY ? 'cold' : 'up'
}
