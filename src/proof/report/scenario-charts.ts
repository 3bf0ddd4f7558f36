import { type Html, html } from '../../report/markup.ts'
import { count, milliseconds } from '../../report/numbers.ts'
import type { Soak } from '../measures.ts'
import type { ScenarioResult } from '../results.ts'
import { timeChart } from './time-chart.ts'

type Stock = NonNullable<ScenarioResult['stock']>
type Sample = Stock['taken'][number]

/** Sold and held places over time against the flat line of the capacity; what is above that line is marked, and said. */
export function stockChart({ total, taken }: Stock, faults: ScenarioResult['faults'] = []): Html {
  const last = taken.at(-1)
  if (last === undefined) return html`<p class="quiet">Nobody watched the stock in this run.</p>`
  const most = Math.max(...taken.map((sample) => sample.taken))
  const isApart = taken.some(({ sold }) => sold !== undefined)
  return timeChart({
    series: [
      {
        name: isApart ? 'sold or held' : 'taken',
        points: pointsOf(taken, (sample) => sample.taken),
        isStep: true,
        isFilled: true,
      },
      ...(isApart
        ? [{ name: 'sold', points: pointsOf(taken, ({ sold = 0 }) => sold), isStep: true as const }]
        : []),
    ],
    limit: {
      value: total,
      label: `capacity ${count(total)}`,
      excess: (reached) => `${count(reached - total)} too many`,
    },
    faults,
    unit: '',
    summary: summaryOf(total, most, last),
  })
}

function pointsOf(taken: readonly Sample[], value: (sample: Sample) => number) {
  return taken.map((sample) => ({ ms: sample.ms, value: value(sample) }))
}

function summaryOf(total: number, most: number, last: Sample): string {
  const end = `${count(last.taken)} of ${count(total)} places sold or held at the end`
  return most > total
    ? `${end}; at most ${count(most)}, ${count(most - total)} too many.`
    : `${end}; never more than the capacity in any sample.`
}

/** Percentiles of answer times over the run; those of a window are of all its answers. */
export function latencyChart(timeline: NonNullable<ScenarioResult['timeline']>, durationMs: number): Html {
  const slowest = timeline.toSorted((a, b) => b.p99 - a.p99)[0]
  const answers = timeline.reduce((sum, { count: of }) => sum + of, 0)
  return timeChart({
    series: (['p50', 'p95', 'p99'] as const).map((at) => ({
      name: at,
      points: timeline.map((window) => ({ ms: window.ms, value: window[at] })),
    })),
    unit: 'ms',
    summary: `${count(answers)} answers in ${(durationMs / 1000).toFixed(1)} s; the slowest window, at ${((slowest?.ms ?? 0) / 1000).toFixed(1)} s, had a p99 of ${milliseconds(slowest?.p99 ?? 0)} ms.`,
  })
}

const MEGABYTE = 1024 ** 2

/** Memory and connections of the server under sustained load. */
export function soakCharts({ samples, openBefore, openAfter }: Soak): Html {
  const points = (value: (sample: Soak['samples'][number]) => number) =>
    samples.map((sample) => ({ ms: sample.ms, value: value(sample) }))
  const memory = points(({ rssBytes }) => rssBytes / MEGABYTE)
  const [first, last] = [memory[0], memory.at(-1)]
  if (first === undefined || last === undefined) return html`<p class="quiet">The server gave no figures.</p>`
  const busiest = Math.max(...samples.map(({ open, idle }) => open - idle))
  return html`<div class="figures"><div><h4>Memory of the server</h4>${timeChart({
    series: [
      { name: 'resident set', points: memory, isFilled: true },
      { name: 'heap in use', points: points(({ heapBytes }) => heapBytes / MEGABYTE) },
    ],
    unit: 'MB',
    summary: `Resident set ${count(first.value)} MB at first, ${count(last.value)} MB at the end.`,
  })}</div>
<div><h4>Its connections to the database</h4>${timeChart({
    series: [
      { name: 'open', points: points(({ open }) => open), isStep: true },
      { name: 'in use', points: points(({ open, idle }) => open - idle), isStep: true },
      { name: 'waiting for one', points: points(({ waiting }) => waiting), isStep: true },
    ],
    unit: '',
    summary: `${count(openBefore)} open before the load, at most ${count(busiest)} in use in a sample, ${count(openAfter)} open after it.`,
  })}</div></div>`
}
