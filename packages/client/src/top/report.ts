// The dashboard for those who don't sit before it: one JSON document for programs, or plain lines. Pure.
import { conditionOf, type Dashboard, totalOf, VIEWS } from './dashboard.ts'
import { bytesText, countText, percentText } from './figures.ts'
import { plain } from './paint.ts'
import { viewLines } from './views.ts'

const WIDTH = 1000

export function reportDocument(dashboard: Dashboard, intervalSeconds: number): unknown {
  return {
    intervalSeconds,
    total: totalOf(dashboard),
    nodes: dashboard.nodes.map((node) => {
      const { name, address, share, rates, down } = node
      const about = { node: name, address, state: conditionOf(node, dashboard), share }
      if (down !== undefined || node.sample === undefined) return { ...about, reason: down }
      const { at: _, counters, ...sample } = node.sample
      return { ...about, rates, counters, ...sample }
    }),
  }
}

export function reportLines(dashboard: Dashboard): string[] {
  const { up, down, rates, bytes, limit, items } = totalOf(dashboard)
  const total = [
    `${up} up, ${down} down`,
    `${countText(rates?.operations)} ops/s`,
    `${percentText(rates?.hitRatio)} hits`,
    `${bytesText(bytes)} of ${bytesText(limit)}`,
    `${countText(items)} items`,
    `${countText(rates?.evictions)} evictions/s`,
  ].join(', ')
  const views = VIEWS.flatMap((view) => [
    '',
    `${view}:`,
    ...viewLines({ ...dashboard, view }, WIDTH, plain).map((line) => line.trimEnd()),
  ])
  const reasons = dashboard.nodes.flatMap(({ name, down }) =>
    down === undefined ? [] : `${name} is down: ${down}`,
  )
  return [total, ...reasons, ...views]
}
