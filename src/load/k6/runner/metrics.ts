import { invalid } from './stop.ts'

export type MetricType = 'counter' | 'gauge' | 'rate' | 'trend'
export type Contents = 'default' | 'time' | 'data'
export type Tags = Readonly<Record<string, string>>

/** A metric, or a submetric: the samples of a metric that carry certain tags. */
export interface Metric {
  readonly name: string
  readonly type: MetricType
  readonly contains: Contents
  readonly sink: Sink
  readonly submetrics: { readonly tags: Tags; readonly metric: Metric }[]
  readonly thresholds: Threshold[]
  /** Called with each sample. */
  readonly listeners: ((value: number, tags: Tags) => void)[]
  /** Appears in the summary: it has a sample, or a threshold. */
  observed: boolean
}

/** Threshold: one condition on a metric, over the whole run. */
export interface Threshold {
  readonly source: string
  readonly statistic: string
  readonly operator: Operator
  readonly value: number
  readonly abortOnFail: boolean
  /** How long after the start of the run a failure may first abort it. */
  readonly delayAbortEvalMs: number
  ok: boolean
}

export type Operator = '<' | '<=' | '>' | '>=' | '==' | '===' | '!='

/** What the samples of one metric add up to. Times are in milliseconds, data in bytes. */
export interface Sink {
  add(value: number): void
  isEmpty(): boolean
  /** `count`, `rate`, `value`, `avg`, `min`, `max`, `med`, `passes`, `fails` or `p(N)`; undefined when there is none. */
  read(statistic: string, seconds: number): number | undefined
}

export interface Metrics {
  readonly all: ReadonlyMap<string, Metric>
  define(name: string, type: MetricType, contains?: Contents): Metric
  /** The metric, or the submetric `name{tag:value}` of it, made when it is not there yet. */
  find(name: string): Metric | undefined
}

export function createMetrics(): Metrics {
  const all = new Map<string, Metric>()
  const define = (name: string, type: MetricType, contains: Contents = 'default') => {
    const known = all.get(name)
    if (known === undefined) return put(all, newMetric(name, type, contains))
    if (known.type === type && known.contains === contains) return known
    throw invalid(`metric '${name}' already exists but with type ${known.type}, instead of ${type}`)
  }
  for (const [name, type, contains] of builtIns) define(name, type, contains)
  return { all, define, find: (name) => findOrSplit(all, name) }
}

export function addSample(metric: Metric, value: number, tags: Tags): void {
  record(metric, value)
  for (const hear of metric.listeners) hear(value, tags)
  for (const { tags: wanted, metric: submetric } of metric.submetrics) {
    if (Object.keys(wanted).every((key) => tags[key] === wanted[key])) record(submetric, value)
  }
}

/** The statistics that a summary shows of a metric of each type. */
export function summaryStatistics(type: MetricType, trendStats: readonly string[]): readonly string[] {
  switch (type) {
    case 'counter':
      return ['count', 'rate']
    case 'gauge':
      return ['value', 'min', 'max']
    case 'rate':
      return ['rate', 'passes', 'fails']
    case 'trend':
      return trendStats
  }
}

/** N of the statistic `p(N)`, a number from 0 to 100. */
export function percentileOf(statistic: string): number | undefined {
  const text = /^p\((.+)\)$/.exec(statistic)?.[1]
  const rank = text === undefined ? Number.NaN : Number(text)
  return rank >= 0 && rank <= 100 ? rank : undefined
}

const builtIns: readonly (readonly [string, MetricType, Contents])[] = [
  ['vus', 'gauge', 'default'],
  ['vus_max', 'gauge', 'default'],
  ['iterations', 'counter', 'default'],
  ['iteration_duration', 'trend', 'time'],
  ['dropped_iterations', 'counter', 'default'],
  ['checks', 'rate', 'default'],
  ['group_duration', 'trend', 'time'],
  ['http_reqs', 'counter', 'default'],
  ['http_req_duration', 'trend', 'time'],
  ['http_req_blocked', 'trend', 'time'],
  ['http_req_connecting', 'trend', 'time'],
  ['http_req_tls_handshaking', 'trend', 'time'],
  ['http_req_sending', 'trend', 'time'],
  ['http_req_waiting', 'trend', 'time'],
  ['http_req_receiving', 'trend', 'time'],
  ['http_req_failed', 'rate', 'default'],
  ['ws_sessions', 'counter', 'default'],
  ['ws_connecting', 'trend', 'time'],
  ['ws_session_duration', 'trend', 'time'],
  ['ws_msgs_sent', 'counter', 'default'],
  ['ws_msgs_received', 'counter', 'default'],
  ['ws_ping', 'trend', 'time'],
  ['data_sent', 'counter', 'data'],
  ['data_received', 'counter', 'data'],
]

function newMetric(name: string, type: MetricType, contains: Contents): Metric {
  const nothing = { submetrics: [], thresholds: [], listeners: [], observed: false }
  return { name, type, contains, sink: sinks[type](), ...nothing }
}

function put(all: Map<string, Metric>, metric: Metric): Metric {
  all.set(metric.name, metric)
  return metric
}

function record(metric: Metric, value: number): void {
  metric.observed = true
  metric.sink.add(value)
}

function findOrSplit(all: Map<string, Metric>, name: string): Metric | undefined {
  const known = all.get(name)
  if (known !== undefined) return known
  const [, parentName = name, selector] = /^([^{]+)\{(.*)\}$/.exec(name) ?? []
  const parent = selector === undefined ? undefined : all.get(parentName)
  if (parent === undefined || selector === undefined) return undefined
  const metric = put(all, newMetric(name, parent.type, parent.contains))
  parent.submetrics.push({ tags: parseTags(selector, name), metric })
  return metric
}

function parseTags(selector: string, name: string): Tags {
  const unquoted = (text: string) => text.trim().replace(/^(['"])(.*)\1$/, '$2')
  const pairs = selector.split(',').map((pair) => {
    const colon = pair.indexOf(':')
    if (colon === -1) throw invalid(`the submetric '${name}' must be written metric{tag:value}`)
    return [unquoted(pair.slice(0, colon)), unquoted(pair.slice(colon + 1))]
  })
  return Object.fromEntries(pairs)
}

const sinks: Readonly<Record<MetricType, () => Sink>> = { counter, gauge, rate, trend }

function counter(): Sink {
  let total = 0
  let samples = 0
  return {
    add(value) {
      total += value
      samples += 1
    },
    isEmpty: () => samples === 0,
    read: (statistic, seconds) =>
      statistic === 'count' ? total : statistic === 'rate' ? (seconds > 0 ? total / seconds : 0) : undefined,
  }
}

function gauge(): Sink {
  let values: { value: number; min: number; max: number } | undefined
  return {
    add(value) {
      values = { value, min: Math.min(value, values?.min ?? value), max: Math.max(value, values?.max ?? 0) }
    },
    isEmpty: () => values === undefined,
    read: (statistic) =>
      statistic === 'value' || statistic === 'min' || statistic === 'max'
        ? (values?.[statistic] ?? 0)
        : undefined,
  }
}

function rate(): Sink {
  let passes = 0
  let total = 0
  return {
    add(value) {
      passes += value === 0 ? 0 : 1
      total += 1
    },
    isEmpty: () => total === 0,
    read(statistic) {
      if (statistic === 'rate') return total === 0 ? 0 : passes / total
      return statistic === 'passes' ? passes : statistic === 'fails' ? total - passes : undefined
    },
  }
}

/** Exact percentiles: every value is kept, as k6 keeps it, which takes 8 bytes a sample. */
function trend(): Sink {
  const values: number[] = []
  let sum = 0
  let sorted = new Float64Array()
  const inOrder = () => {
    if (sorted.length !== values.length) sorted = Float64Array.from(values).sort()
    return sorted
  }
  return {
    add(value) {
      values.push(value)
      sum += value
    },
    isEmpty: () => values.length === 0,
    read(statistic) {
      if (statistic === 'count') return values.length
      if (statistic === 'avg') return values.length === 0 ? 0 : sum / values.length
      const rank = trendRanks[statistic] ?? percentileOf(statistic)
      return rank === undefined ? undefined : interpolate(inOrder(), rank / 100)
    },
  }
}

const trendRanks: Readonly<Record<string, number>> = { min: 0, med: 50, max: 100 }

function interpolate(sorted: Float64Array, rank: number): number {
  const place = rank * (sorted.length - 1)
  const low = sorted[Math.floor(place)] ?? 0
  const high = sorted[Math.ceil(place)] ?? 0
  return low + (high - low) * (place - Math.floor(place))
}
