import { allChecks, type SummaryData, type SummaryGroup, type SummaryMetric } from './summary-data.ts'

/** The end-of-test summary: sections, names and units as k6 prints them, without colours. */
export function endOfTest(data: SummaryData): string {
  const seconds = Number(data.state['testRunDurationMs']) / 1000
  const sections = [
    section('THRESHOLDS', thresholdLines(data)),
    section('TOTAL RESULTS', [...checkLines(data, seconds), ...metricLines(data)]),
  ]
  return `\n${sections.filter((text) => text !== '').join('\n')}\n`
}

/** What `--summary-export` writes: there a threshold is `true` that was crossed. */
export function summaryExport({ metrics, root_group }: SummaryData): object {
  const flat = Object.entries(metrics).map(([name, { type, values, thresholds = {} }]) => {
    const { rate, ...others } = values
    const crossed = Object.entries(thresholds).map(([source, { ok }]) => [source, !ok] as const)
    return [
      name,
      {
        ...(type === 'rate' ? { ...others, value: rate } : values),
        ...(crossed.length === 0 ? {} : { thresholds: Object.fromEntries(crossed) }),
      },
    ]
  })
  return { root_group: exportedGroup(root_group), metrics: Object.fromEntries(flat) }
}

const nameWidth = 58
const headings: readonly (readonly [title: string, pattern: RegExp])[] = [
  ['HTTP', /^http_/],
  ['EXECUTION', /^(dropped_iterations|iterations|iteration_duration|vus|vus_max)$/],
  ['NETWORK', /^data_/],
  ['WEBSOCKET', /^ws_/],
]

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return [`  █ ${title}\n`, ...lines.map((line) => (line === '' ? '' : `    ${line}`)), ''].join('\n')
}

function thresholdLines({ metrics }: SummaryData): readonly string[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {}, values, contains, type }]) => {
    const lines = Object.entries(thresholds).map(([source, { ok }]) => {
      const statistic = /^\s*([^<>=!]+?)\s*[<>=!]/.exec(source)?.[1] ?? ''
      const value = values[statistic]
      const found = value === undefined ? '' : ` ${statistic}=${formatted(value, contains, type)}`
      return `${ok ? '✓' : '✗'} '${source}'${found}`
    })
    return lines.length === 0 ? [] : [name, ...lines, '']
  })
}

function checkLines({ metrics, root_group }: SummaryData, seconds: number): readonly string[] {
  const { values } = metrics['checks'] ?? {}
  if (values === undefined) return []
  const { passes = 0, fails = 0 } = values
  const total = passes + fails
  const share = (count: number) => `${percent(total === 0 ? 0 : count / total)} ${count} out of ${total}`
  const totals = [
    ['checks_total', `${total}  ${perSecond(total, seconds)}`],
    ['checks_succeeded', share(passes)],
    ['checks_failed', share(fails)],
  ] as const
  return [...totals.map(([name, text]) => row(name, text)), '', ...groupLines(root_group), '']
}

function groupLines({ checks, groups }: SummaryGroup, indent = ''): readonly string[] {
  const own = checks.flatMap(({ name, passes, fails }) =>
    fails === 0
      ? [`${indent}✓ ${name}`]
      : [
          `${indent}✗ ${name}`,
          `${indent}  ↳  ${percent(passes / (passes + fails))} — ✓ ${passes} / ✗ ${fails}`,
        ],
  )
  const inner = groups
    .filter((group) => allChecks(group).length > 0)
    .flatMap((group) => ['', `${indent}█ ${group.name}`, '', ...groupLines(group, `${indent}  `)])
  return [...own, ...inner]
}

/** Metrics of the script's own first, then k6's by their kind; a submetric stands below its metric. */
function metricLines({ metrics }: SummaryData): readonly string[] {
  const parents = Object.keys(metrics).filter((name) => !name.includes('{') && name !== 'checks')
  const isBuiltIn = (name: string) =>
    /^group_duration$/.test(name) || headings.some(([, pattern]) => pattern.test(name))
  const sections = [
    ['CUSTOM', parents.filter((name) => !isBuiltIn(name))] as const,
    ...headings.map(([title, pattern]) => [title, parents.filter((name) => pattern.test(name))] as const),
    ['GROUPS', parents.filter((name) => name === 'group_duration')] as const,
  ]
  return sections.flatMap(([title, names]) => {
    if (names.length === 0) return []
    const lines = names.toSorted().flatMap((name) => {
      const below = Object.keys(metrics).filter((other) => other.startsWith(`${name}{`))
      return [name, ...below].map((each) => metricRow(each, metrics[each]))
    })
    return [title, ...lines, '']
  })
}

function metricRow(name: string, metric: SummaryMetric | undefined): string {
  const tags = /\{(.*)\}$/.exec(name)?.[1]
  return row(tags === undefined ? name : `  { ${tags} }`, metric === undefined ? '' : valuesOf(metric))
}

function row(name: string, text: string): string {
  return `${name.padEnd(nameWidth, '.')}: ${text}`
}

function valuesOf({ type, contains, values }: SummaryMetric): string {
  const { count = 0, rate = 0, passes = 0, fails = 0, value = 0, min = 0, max = 0 } = values
  const show = (number: number) => formatted(number, contains, type)
  switch (type) {
    case 'counter':
      return `${show(count)}  ${contains === 'data' ? `${show(rate)}/s` : perSecond(rate, 1)}`
    case 'rate':
      return `${percent(rate)}  ${passes} out of ${passes + fails}`
    case 'gauge':
      return `${show(value)}  min=${show(min)}  max=${show(max)}`
    default:
      return Object.entries(values)
        .map(([name, number]) => `${name}=${name === 'count' ? number : show(number)}`)
        .join(' ')
  }
}

function formatted(value: number, contains: string, type: string): string {
  if (type === 'rate') return percent(value)
  if (contains === 'time') return time(value)
  return contains === 'data' ? data(value) : String(Number(value.toFixed(6)))
}

function percent(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`
}

function perSecond(count: number, seconds: number): string {
  return `${Number((seconds > 0 ? count / seconds : 0).toFixed(6))}/s`
}

/** Milliseconds in the unit that reads best. */
function time(ms: number): string {
  if (ms === 0) return '0s'
  if (ms < 0.001) return `${Number((ms * 1_000_000).toFixed(2))}ns`
  if (ms < 1) return `${Number((ms * 1000).toFixed(2))}µs`
  if (ms < 1000) return `${Number(ms.toFixed(2))}ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${Number(seconds.toFixed(2))}s`
  const minutes = Math.floor(seconds / 60)
  const rest = Math.floor(seconds % 60)
  return minutes < 60 ? `${minutes}m${rest}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}s`
}

function data(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const size = bytes / 1000 ** step
  return `${step === 0 ? Math.round(size) : size.toFixed(size < 10 ? 1 : 0)} ${units[step]}`
}

function exportedGroup({ name, path, id, groups, checks }: SummaryGroup): object {
  return {
    name,
    path,
    id,
    groups: Object.fromEntries(groups.map((group) => [group.name, exportedGroup(group)])),
    checks: Object.fromEntries(checks.map((check) => [check.name, check])),
  }
}
