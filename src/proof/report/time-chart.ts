import { scaleLinear } from 'd3-scale'
import { area, curveLinear, curveStepAfter, line } from 'd3-shape'
import { figureTable, legend, tenth } from '../../report/chart.ts'
import { type Html, html } from '../../report/markup.ts'
import { count, milliseconds } from '../../report/numbers.ts'

/** Something over the time of a run, drawn here: the page has no script. What it shows stands below it in words, and as a table. */
export interface TimeChart {
  readonly series: readonly Series[]
  /** A line that nothing may cross: what is above it is filled, and named by `excess`. */
  readonly limit?: {
    readonly value: number
    readonly label: string
    readonly excess: (most: number) => string
  }
  /** While something was broken on purpose. */
  readonly faults?: readonly FaultWindow[]
  readonly unit: string
  readonly summary: string
}

interface Series {
  readonly name: string
  readonly points: readonly Point[]
  /** It keeps its value until the next point. */
  readonly isStep?: true
  readonly isFilled?: true
}

interface Point {
  readonly ms: number
  readonly value: number
}

interface FaultWindow {
  readonly what: string
  readonly fromMs: number
  readonly toMs: number
}

/** Units of the drawing; it scales to the width it gets, so its text stays near its size on a phone. */
const WIDTH = 400
const HEIGHT = 220
const LEFT = 44
const RIGHT = 388
const TOP = 24
const BOTTOM = 192
const TICKS = 4
const TABLE_ROWS_MAX = 12

export function timeChart(chart: TimeChart): Html {
  const { series, limit, faults = [], unit, summary } = chart
  const points = series.flatMap((one) => one.points)
  const lastMs = Math.max(1, ...points.map(({ ms }) => ms), ...faults.map(({ toMs }) => toMs))
  const most = Math.max(1, limit?.value ?? 0, ...points.map(({ value }) => value))
  const x = scaleLinear([0, lastMs], [LEFT, RIGHT])
  const y = scaleLinear([0, most], [BOTTOM, TOP])
  return html`<figure class="chart">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${summary}">
${faults.map((fault) => faultBand(fault, x))}
${axes(x, y, unit)}
${series.map((one, at) => curve(one, at, x, y))}
${limit === undefined ? null : limitLine(limit, series, x, y)}
</svg>
${series.length === 1 && faults.length === 0 ? null : legendOf(series, faults)}
<figcaption>${summary}</figcaption>
${figures(series, unit)}
</figure>`
}

type Scale = ReturnType<typeof scaleLinear<number, number>>

function axes(x: Scale, y: Scale, unit: string): Html {
  const step = (x.ticks(TICKS)[1] ?? 1) - (x.ticks(TICKS)[0] ?? 0)
  return html`${y.ticks(TICKS).map(
    (
      value,
    ) => html`<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${tenth(y(value))}" y2="${tenth(y(value))}"/>
<text x="${LEFT - 6}" y="${tenth(y(value) + 4)}" text-anchor="end">${labelOf(value, unit)}</text>`,
  )}
${x
  .ticks(TICKS)
  .map(
    (ms) =>
      html`<text x="${tenth(x(ms))}" y="${BOTTOM + 17}" text-anchor="middle">${timeLabel(ms, step)}</text>`,
  )}
${unit === '' ? null : html`<text x="${LEFT - 6}" y="${TOP - 12}" text-anchor="end">${unit}</text>`}`
}

function curve({ points, isStep, isFilled }: Series, at: number, x: Scale, y: Scale): Html {
  const how = isStep ? curveStepAfter : curveLinear
  const path = line<Point>(
    ({ ms }) => x(ms),
    ({ value }) => y(value),
  )
    .curve(how)
    .digits(1)
  const below = area<Point>(
    ({ ms }) => x(ms),
    BOTTOM,
    ({ value }) => y(value),
  )
    .curve(how)
    .digits(1)
  const last = points.at(-1)
  return html`${isFilled ? html`<path class="area c${at}" d="${below(points) ?? ''}"/>` : null}
<path class="line c${at}" d="${path(points) ?? ''}"/>
${last === undefined ? null : html`<circle class="end c${at}" cx="${tenth(x(last.ms))}" cy="${tenth(y(last.value))}" r="3"/>`}`
}

/** The part above the limit, filled and named. */
function limitLine(
  { value, label, excess }: NonNullable<TimeChart['limit']>,
  series: readonly Series[],
  x: Scale,
  y: Scale,
): Html {
  const at = tenth(y(value))
  const highest = series.toSorted((a, b) => mostOf(b) - mostOf(a))[0]
  const isAbove = highest !== undefined && mostOf(highest) > value
  return html`${isAbove ? excessArea(highest, { at, says: excess(mostOf(highest)) }, x, y) : null}
<line class="capacity" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/>
<text class="label" x="${LEFT + 4}" y="${at - 6}">${label}</text>`
}

function excessArea(
  { points }: Series,
  { at, says }: { readonly at: number; readonly says: string },
  x: Scale,
  y: Scale,
): Html {
  const above = area<Point>(
    ({ ms }) => x(ms),
    at,
    ({ value }) => Math.min(at, y(value)),
  )
    .curve(curveStepAfter)
    .digits(1)
  return html`<path class="excess" d="${above(points) ?? ''}"/>
<text class="alarm" x="${RIGHT}" y="${TOP - 10}" text-anchor="end">${says}</text>`
}

function mostOf({ points }: Series): number {
  return Math.max(0, ...points.map(({ value }) => value))
}

/** At least two units wide, so that a kill of a moment is seen. */
function faultBand({ fromMs, toMs }: FaultWindow, x: Scale): Html {
  const width = Math.max(2, x(toMs) - x(fromMs))
  return html`<rect class="fault" x="${tenth(x(fromMs))}" width="${tenth(width)}" y="${TOP}" height="${BOTTOM - TOP}"/>`
}

/** A line is told from another by its dashes too. */
function legendOf(series: readonly Series[], faults: readonly FaultWindow[]): Html {
  const kinds = [...new Set(faults.map(({ what }) => what))]
  return legend([
    ...series.map(({ name }, at) => ({ mark: html`<path class="line c${at}" d="M0,5H22"/>`, name })),
    ...kinds.map((kind) => {
      const times = faults.filter(({ what }) => what === kind).length
      const mark = html`<rect class="fault" x="6" width="10" y="0" height="10"/>`
      return { mark, name: `${kind} (${count(times)})` }
    }),
  ])
}

/** The same as a table, thinned: a chart is for those who see it. */
function figures(series: readonly Series[], unit: string): Html {
  const longest = series.toSorted((a, b) => b.points.length - a.points.length)[0]
  const step = Math.max(1, Math.ceil((longest?.points.length ?? 0) / TABLE_ROWS_MAX))
  const times = (longest?.points ?? []).filter((_, at, all) => at % step === 0 || at === all.length - 1)
  const valueAt = (points: readonly Point[], ms: number) =>
    labelOf(points.findLast((point) => point.ms <= ms)?.value ?? 0, unit)
  return figureTable(
    ['after', ...series.map(({ name }) => (unit === '' ? name : `${name}, ${unit}`))],
    times.map(({ ms }) => [
      `${(ms / 1000).toFixed(1)} s`,
      ...series.map(({ points }) => valueAt(points, ms)),
    ]),
  )
}

function labelOf(value: number, unit: string): string {
  return unit === 'ms' ? milliseconds(value) : count(value)
}

function timeLabel(ms: number, step: number): string {
  if (step < 1_000) return `${count(ms)} ms`
  return step < 60_000 ? `${count(ms / 1_000)} s` : `${count(ms / 60_000)} min`
}
