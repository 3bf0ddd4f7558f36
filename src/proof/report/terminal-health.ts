import { count, inPercent, milliseconds } from '../../report/numbers.ts'
import { INDENT, section, tableRows, wrap } from '../../report/text.ts'
import type { AnswerTime, CapacityMetric, ErrorRateResult, ReadinessPoint } from '../measures.ts'
import type { Results } from '../results.ts'
import { SIGNS, shownPoints } from './words.ts'

/** What the load was like, in a terminal; the figures of each scenario are in the report. */
export function healthSections(
  { answerTimes, errorRates, capacity, readiness }: Results,
  columns: number,
): string[][] {
  const width = columns - INDENT.length
  return [
    ...(answerTimes === undefined ? [] : [section('Answer times', answerLines(answerTimes, width))]),
    ...(errorRates === undefined ? [] : [section('Errors', errorLines(errorRates, width))]),
    ...(capacity === undefined ? [] : [section('Capacity', capacityLines(capacity, width))]),
    ...(readiness === undefined ? [] : [section('Readiness', readinessLines(readiness, width))]),
  ]
}

function answerLines(times: readonly AnswerTime[], width: number): string[] {
  const heads = [{ head: 'ms' }, ...['p50', 'p90', 'p99'].map(right), right('target'), { head: 'verdict' }]
  const rows = times.map(({ operation, measured, target, verdict }) => [
    operation,
    ...(['p50', 'p90', 'p99'] as const).map((at) => (measured === null ? '–' : milliseconds(measured[at]))),
    target === null ? '–' : (['p50', 'p90', 'p99'] as const).map((at) => count(target[at])).join('/'),
    `${SIGNS[verdict]} ${verdict}`,
  ])
  return tableRows(heads, rows, width).flat()
}

function errorLines(rates: readonly ErrorRateResult[], width: number): string[] {
  const heads = [{ head: 'kind' }, right('times'), right('share'), right('may be'), { head: 'verdict' }]
  const rows = rates.map(({ kind, times, of, shareMax, verdict }) => [
    kind,
    count(times),
    of === 0 ? '–' : inPercent(times / of),
    shareMax === 1 ? 'any' : inPercent(shareMax),
    `${SIGNS[verdict]} ${verdict}`,
  ])
  return tableRows(heads, rows, width).flat()
}

function capacityLines(capacity: readonly CapacityMetric[], width: number): string[] {
  const rows = capacity.map(({ name, share, part, whole, from }) => [
    name,
    share === null ? '–' : inPercent(share),
    share === null ? from : `${count(part)} of ${count(whole)}`,
  ])
  return tableRows([{ head: 'metric' }, right('share'), { head: 'count' }], rows, width).flat()
}

/** What passes is counted, the rest is named. */
function readinessLines(readiness: readonly ReadinessPoint[], width: number): string[] {
  const open = readiness.filter(({ verdict }) => verdict !== 'PASS')
  return [
    shownPoints([...readiness]),
    ...open.map(({ name, verdict }) => `${SIGNS[verdict]} ${verdict}  ${name}`),
  ].flatMap((line) => wrap(line, width))
}

function right(head: string) {
  return { head, align: 'right' as const }
}
