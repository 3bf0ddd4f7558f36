import { asRecord, durationMs, refuseUnknown, textValues } from './input.ts'
import { percentileOf } from './metrics.ts'
import { readScenarios } from './scenario-options.ts'
import type { Scenario } from './scenarios.ts'
import { invalid } from './stop.ts'

/** The `options` of a script, checked, with the defaults of k6. */
export interface Options {
  readonly scenarios: readonly Scenario[]
  readonly thresholds: unknown
  readonly setupTimeoutMs: number
  readonly teardownTimeoutMs: number
  readonly summaryTrendStats: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  readonly userAgent: string | undefined
  /** Requests a second of all users together; undefined is no limit. */
  readonly rps: number | undefined
  readonly discardResponseBodies: boolean
  readonly insecureSkipTLSVerify: boolean
  readonly noConnectionReuse: boolean
  readonly noVUConnectionReuse: boolean
  readonly noCookiesReset: boolean
  /** A request that fails is an exception. */
  readonly throws: boolean
  readonly noSetup: boolean
  readonly noTeardown: boolean
  readonly maxRedirects: number
  /** Requests of one `http.batch()` at the same time, in all and of one host; 0 is no limit of a host. */
  readonly batchMax: number
  readonly batchPerHostMax: number
  /** What the script exported, for `exec.test.options`. */
  readonly exported: Readonly<Record<string, unknown>>
}

export function readOptions(exported: unknown, isFunction: (name: string) => boolean): Options {
  const given = asRecord(exported ?? {}, 'options')
  refuseUnknown(given, OPTIONS, 'the option')
  const on = (name: string) => given[name] === true
  const number = (name: string, fallback: number) =>
    typeof given[name] === 'number' ? given[name] : fallback
  const duration = (name: string, fallback: number) =>
    given[name] === undefined ? fallback : durationMs(given[name], name)
  return {
    scenarios: readScenarios(given, isFunction),
    thresholds: given['thresholds'] ?? {},
    setupTimeoutMs: duration('setupTimeout', defaultStageTimeoutMs),
    teardownTimeoutMs: duration('teardownTimeout', defaultStageTimeoutMs),
    summaryTrendStats: readTrendStats(given['summaryTrendStats']),
    tags: textValues(given['tags'] ?? {}, 'tags'),
    userAgent: typeof given['userAgent'] === 'string' ? given['userAgent'] : undefined,
    rps: typeof given['rps'] === 'number' && given['rps'] > 0 ? given['rps'] : undefined,
    discardResponseBodies: on('discardResponseBodies'),
    insecureSkipTLSVerify: on('insecureSkipTLSVerify'),
    noConnectionReuse: on('noConnectionReuse'),
    noVUConnectionReuse: on('noVUConnectionReuse'),
    noCookiesReset: on('noCookiesReset'),
    throws: on('throw'),
    noSetup: on('noSetup'),
    noTeardown: on('noTeardown'),
    maxRedirects: number('maxRedirects', 10),
    batchMax: number('batch', 20),
    batchPerHostMax: number('batchPerHost', 6),
    exported: given,
  }
}

const defaultStageTimeoutMs = 60_000
const plainStats = new Set<unknown>(['avg', 'min', 'med', 'max', 'count'])
const defaultTrendStats = ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)']

const OPTIONS = [
  ...['scenarios', 'vus', 'iterations', 'duration', 'stages', 'thresholds', 'tags', 'userAgent', 'rps'],
  ...['setupTimeout', 'teardownTimeout', 'summaryTrendStats', 'maxRedirects', 'batch', 'batchPerHost'],
  ...['discardResponseBodies', 'insecureSkipTLSVerify', 'noConnectionReuse', 'noVUConnectionReuse'],
  ...['noCookiesReset', 'noSetup', 'noTeardown', 'throw'],
  // Of k6's cloud and its reports of use: without effect here, as in a local run there.
  ...['cloud', 'ext', 'noUsageReport'],
]

export function readTrendStats(given: unknown): readonly string[] {
  if (given === undefined) return defaultTrendStats
  if (!Array.isArray(given)) throw invalid('summaryTrendStats must be a list')
  const stranger = given.find((name) => !plainStats.has(name) && percentileOf(String(name)) === undefined)
  if (stranger !== undefined)
    throw invalid(`summaryTrendStats has '${stranger}': use ${[...plainStats].join(', ')}, p(0..100)`)
  return given.map(String)
}
