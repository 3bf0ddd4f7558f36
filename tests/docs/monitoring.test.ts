import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { instrumentsIn } from '../../src/api/metrics/instruments.ts'
import { ERROR_RATES } from '../../src/core/error-rates.ts'

const RULES = 'docs/operating/alerts.yaml'
const rules = readFileSync(RULES, 'utf8')
const dashboard = readFileSync('docs/operating/dashboard.json', 'utf8')
const page = readFileSync('docs/operating/monitoring.md', 'utf8')

const noPromtool = spawnSync('promtool', ['--version']).status === 0 ? false : 'no promtool on the PATH'

/** Every metric of a server, with its labels. */
async function metrics(): Promise<ReadonlyMap<string, readonly string[]>> {
  const registry = new Registry()
  instrumentsIn(registry)
  collectDefaultMetrics({ register: registry })
  const all = registry.getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[]
  return new Map(all.map(({ name, labelNames = [] }) => [name, labelNames]))
}

const namesIn = (text: string) =>
  [...text.matchAll(/\b(?:admit_once|nodejs|process)_\w+/g)].map(([name]) =>
    name.replace(/_(bucket|count|sum)$/, ''),
  )

const expressions = [...rules.matchAll(/^ +expr: (.+)$/gm)].map(([, expr = '']) => expr)
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name)

describe('alert rules and dashboard', () => {
  it('name metrics that there are, and labels that these have', async () => {
    const known = await metrics()
    const queries = [...dashboard.matchAll(/"expr": "((?:[^"\\]|\\.)*)"/g)].map(([, expr = '']) =>
      JSON.parse(`"${expr}"`),
    )
    assert.ok(expressions.length > 15 && queries.length > 30)
    for (const expr of [...expressions, ...queries]) {
      for (const name of namesIn(expr)) assert.ok(known.has(name), `${name} in ${expr}`)
      for (const [, name = '', selector = ''] of expr.matchAll(/\b(\w+)\{([^}]*)\}/g)) {
        const labels = [...selector.matchAll(/(\w+)(?:=|!)/g)].map(([, label = '']) => label)
        const has = known.get(name.replace(/_bucket$/, ''))
        for (const label of labels)
          assert.ok(label === 'job' || has === undefined || has.includes(label), `${label} of ${name}`)
      }
    }
  })

  it('have every metric of ours', async () => {
    const used = new Set(namesIn(rules + dashboard))
    const unused = [...(await metrics()).keys()].filter(
      (name) => name.startsWith('admit_once_') && !used.has(name),
    )
    assert.deepEqual(unused, [])
  })

  it('every alert has a line that says what to do, and every such line an alert', () => {
    const lines = [...page.matchAll(/^\| (`AdmitOnce[^|]+) \| (.+) \|$/gm)]
    const named = lines.flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    )
    assert.deepEqual(named.sort(), [...alerts].sort())
  })

  it('the error taxonomy on the page is the registry', () => {
    for (const { kind, shareMax, says } of ERROR_RATES) {
      const share = shareMax === 1 ? 'any' : `${shareMax * 100} %`
      assert.ok(page.includes(`| \`${kind}\` | ${share} | ${says} |`), kind)
    }
  })

  it('no label of ours is one that Prometheus sets itself', async () => {
    for (const [name, labels] of await metrics()) {
      if (!name.startsWith('admit_once_')) continue
      for (const label of labels) assert.ok(!['job', 'instance'].includes(label), `${name}: ${label}`)
    }
  })

  it('promtool takes the rules, and they fire when they should', { skip: noPromtool }, () => {
    for (const args of [
      ['check', 'rules', RULES],
      ['test', 'rules', 'tests/docs/alerts.promtool.yaml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
      assert.equal(status, 0, stdout + stderr)
    }
  })
})
