import { createHash } from 'node:crypto'
import process from 'node:process'
import { type Metric, summaryStatistics } from './metrics.ts'
import type { Test } from './test.ts'

/** What `handleSummary(data)` gets: the shape of k6. */
export interface SummaryData {
  readonly metrics: Readonly<Record<string, SummaryMetric>>
  readonly root_group: SummaryGroup
  readonly options: Readonly<Record<string, unknown>>
  readonly state: Readonly<Record<string, unknown>>
  readonly setup_data?: unknown
}

export interface SummaryMetric {
  readonly type: string
  readonly contains: string
  readonly values: Readonly<Record<string, number>>
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>
}

export interface SummaryGroup {
  readonly name: string
  readonly path: string
  readonly id: string
  readonly groups: SummaryGroup[]
  readonly checks: SummaryCheck[]
}

export interface SummaryCheck {
  readonly name: string
  readonly path: string
  readonly id: string
  readonly passes: number
  readonly fails: number
}

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

/** All checks of a group and of the groups in it. */
export function allChecks(group: SummaryGroup): readonly SummaryCheck[] {
  return [...group.checks, ...group.groups.flatMap(allChecks)]
}

/** What is printed when the script does not summarize itself. */
export function plainSummary(data: SummaryData): string {
  const thresholds = Object.entries(data.metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([source, { ok }]) => `  ${ok ? '✓' : '✗'} ${name}: ${source}`),
  )
  const checks = allChecks(data.root_group).map(
    ({ path, passes, fails }) =>
      `  ${fails === 0 ? '✓' : '✗'} ${path.slice(2)}: ${passes} passed, ${fails} failed`,
  )
  const metrics = Object.entries(data.metrics).map(([name, { values }]) => `  ${name}: ${valuesLine(values)}`)
  const sections = [
    ['THRESHOLDS', thresholds],
    ['CHECKS', checks],
    ['METRICS', metrics],
  ] as const
  return sections
    .flatMap(([title, lines]) => (lines.length === 0 ? [] : [`\n${title}`, ...lines]))
    .join('\n')
    .concat('\n')
}

function valuesLine(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([statistic, value]) => `${statistic}=${Number(value.toFixed(2))}`)
    .join(' ')
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
