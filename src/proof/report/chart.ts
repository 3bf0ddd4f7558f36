import type { ScenarioResult } from '../results.ts'
import { type Content, type Html, html } from './markup.ts'
import { count } from './words.ts'

type Stock = NonNullable<ScenarioResult['stock']>

/** Units of the drawing; it scales to the width it gets, so its text stays near its size on a phone. */
const WIDTH = 400
const HEIGHT = 220
const LEFT = 38
const RIGHT = 388
const TOP = 24
const BOTTOM = 192

/** Sold or held places over time against the flat line of the capacity; what is above that line is marked, and said. */
export function stockChart({ total, taken }: Stock): Html {
  const last = taken.at(-1)
  if (last === undefined) return html`<p class="quiet">Nobody watched the stock in this run.</p>`
  const most = Math.max(...taken.map((sample) => sample.taken))
  const x = scale(Math.max(last.ms, 1), LEFT, RIGHT)
  const y = scale(Math.max(total, most, 1), BOTTOM, TOP)
  const line = taken.map((sample) => `${x(sample.ms)},${y(sample.taken)}`).join(' ')
  const summary = summaryOf(total, most, last)
  return html`<figure class="chart">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${summary}">
${timeAxis(last.ms, x)}
<polygon class="area" points="${x(0)},${BOTTOM} ${line} ${x(last.ms)},${BOTTOM}"/>
${most > total ? excess(line, y(total), x(last.ms), total, most) : null}
<line class="capacity" x1="${LEFT}" x2="${RIGHT}" y1="${y(total)}" y2="${y(total)}"/>
<text class="label" x="${LEFT + 4}" y="${y(total) - 6}">capacity ${count(total)}</text>
<polyline class="taken" points="${line}"/>
<text x="${LEFT - 6}" y="${BOTTOM}" text-anchor="end">0</text>
<text x="${LEFT - 6}" y="${y(total) + 4}" text-anchor="end">${count(total)}</text>
<circle class="end" cx="${x(last.ms)}" cy="${y(last.taken)}" r="3.5"/>
</svg>
<figcaption>${summary}</figcaption>
</figure>`
}

function summaryOf(total: number, most: number, last: Stock['taken'][number]): string {
  const end = `${count(last.taken)} of ${count(total)} places sold or held at the end`
  return most > total
    ? `${end}; at most ${count(most)}, ${count(most - total)} too many.`
    : `${end}; never more than the capacity in any sample.`
}

/** The part above the capacity, filled and named. */
function excess(line: string, capacity: number, end: number, total: number, most: number): Html {
  return html`<clipPath id="above-${most}-${total}"><rect x="0" y="0" width="${WIDTH}" height="${capacity}"/></clipPath>
<polygon class="excess" clip-path="url(#above-${most}-${total})" points="${LEFT},${BOTTOM} ${line} ${end},${BOTTOM}"/>
<text class="alarm" x="${RIGHT}" y="${TOP - 8}" text-anchor="end">${count(most - total)} too many</text>`
}

function timeAxis(lastMs: number, x: (ms: number) => number): Content {
  const step = niceStep(lastMs / 4)
  const ticks = Array.from({ length: Math.floor(lastMs / step) + 1 }, (_, at) => at * step)
  return [
    html`<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${BOTTOM}" y2="${BOTTOM}"/>`,
    ...ticks.map(
      (ms) => html`<line class="axis" x1="${x(ms)}" x2="${x(ms)}" y1="${BOTTOM}" y2="${BOTTOM + 4}"/>
<text x="${x(ms)}" y="${BOTTOM + 17}" text-anchor="middle">${timeLabel(ms, step)}</text>`,
    ),
  ]
}

function timeLabel(ms: number, step: number): string {
  return step < 1000 ? `${count(ms)} ms` : `${count(ms / 1000)} s`
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)))
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10)
}

/** From 0 to `most` onto the drawing, rounded to a tenth. */
function scale(most: number, from: number, to: number): (value: number) => number {
  return (value) => Math.round((from + (value / most) * (to - from)) * 10) / 10
}
