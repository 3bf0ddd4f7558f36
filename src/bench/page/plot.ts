import { scaleLinear, scaleLog } from 'd3-scale'
import { symbol, symbolDiamond, symbolTriangle } from 'd3-shape'
import { tenth } from '../../report/chart.ts'
import { type Content, type Html, html } from '../../report/markup.ts'
import { table } from '../../report/parts.ts'
import type { Spread } from '../spread.ts'

/** Rows below one another on one scale. Places are percent of the width, so that text keeps its size on a phone and on a desk. */
export interface Plot {
  readonly scale: PlotScale
  readonly legend: Html
  readonly rows: readonly PlotRow[]
  readonly summary: string
  readonly heads: readonly string[]
}

interface PlotRow {
  readonly label: string
  readonly marks: Content
  /** Beside the drawing. */
  readonly figure: Content
  /** The drawing in words. */
  readonly says: string
  /** In the order of the heads, the label aside. */
  readonly cells: readonly string[]
}

interface PlotScale {
  /** Percent of the width. */
  at(value: number): number
  readonly ticks: readonly (readonly [value: number, text: string])[]
  /** Where both sides are equal. */
  readonly equal?: number
}

export function plotOf({ scale, legend, rows, summary, heads }: Plot): Html {
  const grid = scale.ticks.map(
    ([value]) =>
      html`<line class="${value === scale.equal ? 'equal' : 'axis'}" x1="${x(scale, value)}" x2="${x(scale, value)}" y1="0" y2="100%"/>`,
  )
  return html`<figure class="chart plot">
${legend}
<ul>
${rows.map(
  ({ label, marks, figure, says }) => html`<li><span class="name">${label}</span>
<svg role="img" aria-label="${says}">${grid}${marks}</svg>
<span class="figure">${figure}</span></li>
`,
)}</ul>
<div class="scale" aria-hidden="true"><div>${scale.ticks.map(([value, text]) => html`<span style="left:${x(scale, value)}">${text}</span>`)}</div></div>
<figcaption>${summary}</figcaption>
<details class="points"><summary>Figures</summary>${table(
    heads,
    rows.map(({ label, cells }) => [label, ...cells]),
    'watched',
  )}</details>
</figure>`
}

/** The middle of a row, in pixels. */
export const Y = 22

export const RANGE = {
  mark: html`<path class="range" d="M1,5H21M1,1V9M21,1V9"/><circle class="round" cx="8" cy="5" r="2.5"/>`,
  name: 'least to most, a dot a round',
}

export const BEFORE = {
  mark: html`<path class="before" d="M11,0L16,5L11,10L6,5Z"/>`,
  name: 'median before',
}

export function x({ at }: PlotScale, value: number): string {
  return `${tenth(at(value))}%`
}

const TICKS_MAX = 7
/** Of a decade, the finest first. */
const STEPS = [[1, 2, 3, 4, 6, 8], [1, 2, 5], [1, 3], [1]] as const

/** Equal distances are equal factors; room is left at both ends. */
export function factorScale(values: readonly number[], textOf: (value: number) => string): PlotScale {
  const some = values.filter((value) => value > 0)
  const [low, high] = [Math.min(...some) / 1.25, Math.max(...some) * 1.25]
  const scale = scaleLog([low, high], [0, 100])
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, at) => 10 ** (Math.floor(Math.log10(low)) + at),
  )
  const inside = (steps: readonly number[]) =>
    decades
      .flatMap((decade) => steps.map((step) => step * decade))
      .filter((tick) => tick >= low && tick <= high)
  const ticks = STEPS.map(inside).find(({ length }) => length <= TICKS_MAX) ?? []
  return { at: scale, ticks: ticks.map((tick) => [tick, textOf(Number(tick.toPrecision(1)))]) }
}

/** From nothing, in even steps. */
export function evenScale(most: number, textOf: (value: number) => string): PlotScale {
  const scale = scaleLinear([0, Math.max(most, Number.MIN_VALUE)], [0, 100]).nice(4)
  return { at: scale, ticks: scale.ticks(4).map((tick) => [tick, textOf(tick)]) }
}

/** From the least to the most, with a mark for each round. */
export function rangeMarks(
  scale: PlotScale,
  { min, max, rounds }: Pick<Spread, 'min' | 'max'> & { readonly rounds: readonly (number | null)[] },
  y: number,
): Html {
  const shown = rounds.length > ROUNDS_MAX ? [] : rounds.filter((value) => value !== null)
  return html`<line class="range" x1="${x(scale, min)}" x2="${x(scale, max)}" y1="${y}" y2="${y}"/>
${[min, max].map((end) => html`<line class="range" x1="${x(scale, end)}" x2="${x(scale, end)}" y1="${y - 4}" y2="${y + 4}"/>`)}
${shown.map((value) => html`<circle class="round" cx="${x(scale, value)}" cy="${y}" r="2.5"/>`)}`
}

/** More marks than these are a smear. */
const ROUNDS_MAX = 20

export function roundsText(rounds: readonly (number | null)[], textOf: (value: number) => string): string {
  if (rounds.length > ROUNDS_MAX) return `${rounds.length}`
  return rounds.map((value) => (value === null ? '–' : textOf(value))).join(' · ')
}

const DIAMOND = symbol(symbolDiamond, 70).digits(1)() ?? ''
const TRIANGLE = symbol(symbolTriangle, 42).digits(1)() ?? ''

export function diamond(left: string, y: number, style: string): Html {
  return html`<svg class="mark" x="${left}" y="${y}"><path class="${style}" d="${DIAMOND}"/></svg>`
}

/** It points to where more is, or less. */
export function arrow(left: string, y: number, isUp: boolean): Html {
  const turn = isUp ? 'translate(6 0) rotate(90)' : 'translate(-6 0) rotate(-90)'
  return html`<svg class="mark" x="${left}" y="${y}"><path class="arrow" transform="${turn}" d="${TRIANGLE}"/></svg>`
}
