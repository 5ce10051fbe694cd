// /metrics: the table's samples of the proxy in Prometheus' text form, which prom-client writes. Knows the form; which
// metrics there are stands in metric-table.ts.
import { Counter, Gauge, type Metric as PromMetric, Registry } from 'prom-client'
import { DURATION_BOUNDS } from '../command-durations.ts'
import type { ProxySnapshot } from '../snapshot.ts'
import { type HistogramSample, METRICS } from './metric-table.ts'

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** A registry for each scrape: a node that has left is not there any more. */
export function metricsText(proxy: ProxySnapshot): Promise<string> {
  const registry = new Registry()
  for (const metric of METRICS) {
    const { name, help } = metric
    if (metric.type === 'histogram') {
      const samples = [...metric.samples(proxy)]
      if (samples.length > 0) registry.registerMetric(histogramOf(name, help, samples))
      continue
    }
    const samples = [...metric.samples(proxy)]
    if (samples.length === 0) continue
    const options = { name, help, labelNames: metric.labels, registers: [registry] }
    const gauge = metric.type === 'gauge' ? new Gauge(options) : undefined
    const counter = gauge === undefined ? new Counter(options) : undefined
    for (const { labels, value } of samples) {
      gauge?.set(labels, value)
      counter?.inc(labels, value)
    }
  }
  return registry.metrics()
}

/**
 * A metric as a registry asks it. prom-client's own histogram observes one value after the other, and can't take over
 * buckets that were counted elsewhere.
 */
function histogramOf(
  name: string,
  help: string,
  samples: readonly HistogramSample[],
): PromMetric<string> {
  const values = samples.flatMap(({ labels, histogram: { cumulative, sumSeconds } }) => [
    ...DURATION_BOUNDS.map((bound, i) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound === Number.POSITIVE_INFINITY ? '+Inf' : bound },
      value: cumulative[i],
    })),
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: cumulative.at(-1) },
  ])
  const metric = { name, help, type: 'histogram', get: async () => ({ ...metric, values }) }
  return metric as unknown as PromMetric<string>
}
