// /metrics: the table's samples of a node in Prometheus' text form, which prom-client writes. Knows the form; which
// metrics there are stands in metric-table.ts.
import { Counter, Gauge, type Metric as PromMetric, Registry } from 'prom-client'
import { countOf } from './histogram-text.ts'
import { type HistogramSample, METRICS, type Sample } from './metric-table.ts'
import type { NodeStatistics } from './statistics-text.ts'

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

const MICROSECONDS = 1e6

/** A registry for each scrape: what a node no longer tells of, a slab class say, is not there any more. */
export function metricsText(node: NodeStatistics): Promise<string> {
  const registry = new Registry()
  for (const metric of METRICS) {
    const { name, help } = metric
    if (metric.type === 'histogram') {
      const samples = [...metric.samples(node)]
      if (samples.length > 0) registry.registerMetric(histogramOf(name, help, samples))
      continue
    }
    const samples = [...metric.samples(node)]
    if (samples.length === 0) continue
    const options = { name, help, labelNames: metric.labels, registers: [registry] }
    if (metric.type === 'counter') count(new Counter(options), samples)
    else set(new Gauge(options), samples)
  }
  return registry.metrics()
}

function count(counter: Counter, samples: readonly Sample[]): void {
  for (const { labels, value } of samples) counter.inc(labels, Math.max(0, value))
}

function set(gauge: Gauge, samples: readonly Sample[]): void {
  for (const { labels, value } of samples) gauge.set(labels, value)
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
  const values = samples.flatMap(({ labels, histogram }) => [
    ...histogram.bounds.map((bound, i) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound === Number.POSITIVE_INFINITY ? '+Inf' : bound / MICROSECONDS },
      value: histogram.cumulative[i],
    })),
    { metricName: `${name}_sum`, labels, value: histogram.sumMicroseconds / MICROSECONDS },
    { metricName: `${name}_count`, labels, value: countOf(histogram) },
  ])
  const metric = { name, help, type: 'histogram', get: async () => ({ ...metric, values }) }
  return metric as unknown as PromMetric<string>
}
