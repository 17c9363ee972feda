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
  parley_projector_events_total: { kind: 'counter', help: 'Events that the read models have folded.' },
  parley_projector_lag_seconds: { kind: 'gauge', help: 'Age of the event that was folded last.' },
  parley_projector_failures_total: { kind: 'counter', help: 'Times that folding failed and was tried again.' },
  parley_projection_stopped: {
    kind: 'gauge',
    help: '1 for a projection that met an event newer than it understands.',
    labels: ['projection'],
  },
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

export interface PrometheusMetrics {
  readonly metrics: Metrics
  /** Everything measured so far, in the text format of Prometheus. */
  text(): Promise<string>
}

/** Measurements in memory, to be scraped. What is not declared is not measured; a test sees to it that everything is. */
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
      count: (name, by = 1, labels = {}) => counters.get(name)?.inc(labels, by),
      gauge: (name, value, labels = {}) => gauges.get(name)?.set(labels, value),
      observe: (name, seconds, labels = {}) => histograms.get(name)?.observe(labels, seconds),
    },
    text: () => registry.metrics(),
  }
}
