import { createHash } from 'node:crypto'
import process from 'node:process'
import { type Metric, summaryStatistics } from './metrics.ts'
import type { SummaryData, SummaryGroup, SummaryMetric } from './summary-data.ts'
import type { Test } from './test.ts'

export function summarize(test: Test, durationMs: number): SummaryData {
  const summaryTrendStats = test.options?.summaryTrendStats ?? []
  const observedMetrics = [...test.metrics.all.values()].filter(({ observed }) => observed)
  const metrics = observedMetrics.map(
    (metric) => [metric.name, summaryOf(metric, durationMs / 1000, summaryTrendStats)] as const,
  )
  return {
    metrics: Object.fromEntries(metrics),
    root_group: rootGroup(test),
    options: { summaryTrendStats, summaryTimeUnit: '', noColor: false },
    state: {
      isStdOutTTY: process.stdout.isTTY === true,
      isStdErrTTY: process.stderr.isTTY === true,
      testRunDurationMs: durationMs,
    },
    ...(test.setupJson === undefined ? {} : { setup_data: JSON.parse(test.setupJson) }),
  }
}

function summaryOf(metric: Metric, seconds: number, trendStats: readonly string[]): SummaryMetric {
  const statistics = summaryStatistics(metric.type, trendStats)
  const values = Object.fromEntries(statistics.map((name) => [name, metric.sink.read(name, seconds) ?? 0]))
  const plain = { type: metric.type, contains: metric.contains, values }
  if (metric.thresholds.length === 0) return plain
  return {
    ...plain,
    thresholds: Object.fromEntries(metric.thresholds.map(({ source, ok }) => [source, { ok }])),
  }
}

function rootGroup(test: Test): SummaryGroup {
  const root = newGroup('')
  for (const path of test.groups) groupAt(root, path)
  for (const [path, { passes, fails }] of test.checks) {
    const at = path.lastIndexOf('::')
    groupAt(root, path.slice(0, at)).checks.push({
      name: path.slice(at + 2),
      path,
      id: idOf(path),
      passes,
      fails,
    })
  }
  return root
}

function groupAt(root: SummaryGroup, path: string): SummaryGroup {
  const names = path.split('::').slice(1)
  return names.reduce((group, name) => {
    const known = group.groups.find((inner) => inner.name === name)
    if (known !== undefined) return known
    const fresh = newGroup(`${group.path}::${name}`)
    group.groups.push(fresh)
    return fresh
  }, root)
}

function newGroup(path: string): SummaryGroup {
  return {
    name: path.slice(path.lastIndexOf('::') + 1).replace(/^:/, ''),
    path,
    id: idOf(path),
    groups: [],
    checks: [],
  }
}

function idOf(path: string): string {
  return createHash('md5').update(path).digest('hex')
}
