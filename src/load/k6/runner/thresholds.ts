import { asRecord, durationMs } from './input.ts'
import {
  type Metric,
  type Metrics,
  type MetricType,
  type Operator,
  percentileOf,
  type Threshold,
} from './metrics.ts'
import { invalid } from './stop.ts'

/** Parses `p(95)<500` and its kin: the grammar of k6. */
export function parseThreshold(
  source: string,
): Pick<Threshold, 'source' | 'statistic' | 'operator' | 'value'> {
  const [, left = '', operator = '', right = ''] = /^(.*?)(<=|>=|===|==|!=|<|>)(.*)$/.exec(source) ?? []
  const statistic = left.trim()
  const value = right.trim() === '' ? Number.NaN : Number(right)
  if (!isOperator(operator) || !Number.isFinite(value)) {
    throw invalid(
      `the threshold '${source}' must be written <statistic> <operator> <number>, like 'p(95)<500'`,
    )
  }
  if (!plainStatistics.has(statistic) && percentileOf(statistic) === undefined) {
    throw invalid(
      `the threshold '${source}' asks for '${statistic}': use ${[...plainStatistics].join(', ')} or p(0..100)`,
    )
  }
  return { source, statistic, operator, value }
}

/** Hangs the thresholds of the options on their metrics. Fails when a metric or a statistic does not exist. */
export function defineThresholds(metrics: Metrics, thresholds: unknown): void {
  for (const [name, list] of Object.entries(asRecord(thresholds, 'thresholds'))) {
    if (!Array.isArray(list)) throw invalid(`the thresholds of '${name}' must be a list`)
    const metric = metrics.find(name)
    if (metric === undefined) throw invalid(`there are thresholds on '${name}', but no metric of that name`)
    metric.thresholds.push(...list.map((entry) => readThreshold(metric, entry)))
    metric.observed = true
    const parent = metrics.find(name.replace(/\{.*$/, ''))
    if (parent !== undefined) parent.observed = true
  }
}

/**
 * Judges every threshold by what has been measured so far, and says whether one asks to abort the run.
 * During a run (`final: false`) a metric without samples is not judged yet.
 */
export function judge(
  metrics: Metrics,
  elapsedMs: number,
  final: boolean,
): { breached: string[]; abort: boolean } {
  const breached: string[] = []
  let abort = false
  for (const metric of metrics.all.values()) {
    if (metric.thresholds.length === 0 || (!final && metric.sink.isEmpty())) continue
    for (const threshold of metric.thresholds) {
      threshold.ok = holds(metric, threshold, elapsedMs / 1000)
      abort ||= !threshold.ok && threshold.abortOnFail && threshold.delayAbortEvalMs <= elapsedMs
    }
    if (metric.thresholds.some(({ ok }) => !ok)) breached.push(metric.name)
  }
  return { breached: breached.sort(), abort }
}

const compare: Readonly<Record<Operator, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '===': (a, b) => a === b,
  '!=': (a, b) => a !== b,
}

const plainStatistics = new Set(['count', 'rate', 'value', 'avg', 'min', 'max', 'med'])

const statisticsByType: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ['count', 'rate'],
  gauge: ['value'],
  rate: ['rate'],
  trend: ['avg', 'min', 'max', 'med', 'p(N)'],
}

function isOperator(text: string): text is Operator {
  return Object.hasOwn(compare, text)
}

function readThreshold(metric: Metric, entry: unknown): Threshold {
  const {
    threshold,
    abortOnFail = false,
    delayAbortEval,
    ...rest
  } = typeof entry === 'string' ? { threshold: entry } : asRecord(entry, `a threshold of '${metric.name}'`)
  const stranger = Object.keys(rest)[0]
  if (stranger !== undefined)
    throw invalid(`a threshold of '${metric.name}' has an unknown field '${stranger}'`)
  const parsed = parseThreshold(String(threshold))
  const known = statisticsByType[metric.type]
  if (!known.includes(parsed.statistic.startsWith('p(') ? 'p(N)' : parsed.statistic)) {
    throw invalid(
      `'${metric.name}' is a ${metric.type}: '${parsed.source}' must be about ${known.join(', ')}`,
    )
  }
  const delayAbortEvalMs = delayAbortEval === undefined ? 0 : durationMs(delayAbortEval, 'delayAbortEval')
  return { ...parsed, abortOnFail: abortOnFail === true, delayAbortEvalMs, ok: true }
}

/** A rate without samples has no value yet, and breaks no threshold; any other metric starts at zero. */
function holds(metric: Metric, { statistic, operator, value }: Threshold, seconds: number): boolean {
  if (metric.type === 'rate' && metric.sink.isEmpty()) return true
  return compare[operator](metric.sink.read(statistic, seconds) ?? 0, value)
}
