import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createPrometheusMetrics, METRICS } from '../../../infra/prometheus/metrics.ts'

const used = ['commands', 'projections', 'api', 'infra'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/\.(?:count|gauge|observe)\(\s*'(\w+)'/g)].map(
        ([, name]) => name,
      ),
    ),
)

describe('Metrics', () => {
  it('are those that are measured somewhere, and no others', () => {
    expect(new Set(used)).to.deep.equal(new Set(Object.keys(METRICS)))
  })

  it('have names and labels as Prometheus wants them', async () => {
    const { metrics, text } = createPrometheusMetrics()
    metrics.count('parley_refusals_total', 2, { code: 'NotFound' })
    metrics.gauge('parley_gateway_connections', 3)
    const page = await text()
    expect(page).to.include('parley_refusals_total{code="NotFound"} 2')
    expect(page).to.include('parley_gateway_connections 3')
    for (const name of Object.keys(METRICS)) expect(page).to.include(`# HELP ${name} `)
  })
})
