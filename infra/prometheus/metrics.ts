import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../../domain/ports.ts'

interface Declaration {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels?: readonly string[]
}

/** Every measurement there is. Labels take few values: never ids, handles or addresses. */
export const METRICS: Readonly<Record<string, Declaration>> = {
  parley_http_requests_total: {
    kind: 'counter',
    help: 'HTTP requests by operation and status; 499: the client went away before the answer.',
    labels: ['operation', 'status'],
  },
  parley_http_request_seconds: {
    kind: 'histogram',
    help: 'Time from the arrival of an HTTP request to the end of its answer.',
    labels: ['operation'],
  },
  parley_refusals_total: {
    kind: 'counter',
    help: 'Requests and frames that were refused, by error code.',
    labels: ['code'],
  },
  parley_gateway_connections: { kind: 'gauge', help: 'WebSocket connections that are open.' },
  parley_gateway_fallbacks_total: {
    kind: 'counter',
    help: 'Times a device fell behind what is kept in memory and was fed from storage.',
  },
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

export interface PrometheusMetrics {
  readonly metrics: Metrics
  /** Everything measured so far, in the text format of Prometheus. */
  text(): Promise<string>
}

/** Measurements in memory, to be scraped. A name that is not declared is a mistake of ours, and throws. */
export const createPrometheusMetrics = (): PrometheusMetrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  for (const [name, { kind, help, labels = [] }] of Object.entries(METRICS)) {
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    if (kind === 'counter') counters.set(name, new Counter(options))
    else if (kind === 'gauge') gauges.set(name, new Gauge(options))
    else histograms.set(name, new Histogram({ ...options, buckets: SECONDS }))
  }
  return {
    metrics: {
      count: (name, by = 1, labels = {}) => declared(counters, name).inc(labels, by),
      gauge: (name, value, labels = {}) => declared(gauges, name).set(labels, value),
      observe: (name, seconds, labels = {}) => declared(histograms, name).observe(labels, seconds),
    },
    text: () => registry.metrics(),
  }
}

const declared = <Metric>(metrics: ReadonlyMap<string, Metric>, name: string): Metric => {
  const metric = metrics.get(name)
  if (metric === undefined) throw new Error(`the metric ${name} is not declared`)
  return metric
}
