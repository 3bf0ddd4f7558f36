import { legend } from '../../report/chart.ts'
import { type Html, html } from '../../report/markup.ts'
import { changeOf } from '../../report/numbers.ts'
import type { RatioResult, Result } from '../result.ts'
import { isMet, targetText } from '../spread.ts'
import { digits, rangeOf } from '../words.ts'
import { arrow, BEFORE, diamond, factorScale, plotOf, RANGE, rangeMarks, roundsText, x, Y } from './plot.ts'

/** An earlier figure, and whether it is one of the same setting. */
export interface Earlier {
  readonly result: Result
  readonly isComparable: boolean
}

type Scale = ReturnType<typeof factorScale>

/** Each ratio from its least to its most, beside where it is wanted. */
export function ratioPlot({ ratios }: Result, earlier: Earlier | undefined): Html {
  const rows = Object.entries(ratios)
  const before = (name: string) => earlier?.result.ratios[name]
  const values = [
    1,
    ...rows.flatMap(([name, { min, max, target }]) => [
      min,
      max,
      target?.atLeast ?? target?.atMost ?? 1,
      before(name)?.median ?? 1,
    ]),
  ]
  const scale = { ...factorScale(values, String), equal: 1 }
  return plotOf({
    scale,
    legend: legendOf(
      rows.map(([, ratio]) => ratio),
      earlier !== undefined,
    ),
    rows: rows.map(([name, ratio]) => rowOf(scale, ratio, before(name), earlier)),
    summary: `${sumOf(rows.map(([, ratio]) => ratio))} Equal distances are equal factors; at 1 both sides are equal.`,
    heads: ['ratio', 'median', 'least–most', 'wanted', ...(earlier ? ['before'] : []), 'rounds'],
  })
}

function rowOf(
  scale: Scale,
  ratio: RatioResult,
  before: RatioResult | undefined,
  earlier: Earlier | undefined,
) {
  const { label, median, min, max, rounds, target } = ratio
  const wanted = target === undefined ? '' : `wanted ${targetText(target)}, ${metText(ratio)}`
  const was = before === undefined ? '' : beforeText(median, before.median, earlier?.isComparable === true)
  return {
    label,
    marks: html`${target === undefined ? null : wantedMarks(scale, ratio)}${rangeMarks(scale, ratio, Y)}${medianMark(scale, ratio)}${before === undefined ? null : diamond(x(scale, before.median), Y, 'before')}`,
    figure: html`<b>${digits(median)}</b> ${target === undefined ? null : metBadge(ratio)}<small>${rangeOf(ratio)}${was === '' ? '' : ` · ${was}`}</small>`,
    says: [`${label}: median ${digits(median)}`, `least ${digits(min)}, most ${digits(max)}`, wanted, was]
      .filter((part) => part !== '')
      .join('; '),
    cells: [
      digits(median),
      rangeOf(ratio),
      target === undefined ? '–' : `${targetText(target)}, ${metText(ratio)}`,
      ...(earlier ? [was || '–'] : []),
      roundsText(rounds, digits),
    ],
  }
}

export function beforeText(now: number, before: number, isComparable: boolean): string {
  return `was ${digits(before)}${isComparable ? changeOf({ before, now }) : ''}`
}

/** Everything from the wanted value on, to where the wanted ones are. */
function wantedMarks(scale: Scale, { target }: RatioResult): Html {
  const isUp = target?.atLeast !== undefined
  const at = x(scale, target?.atLeast ?? target?.atMost ?? 1)
  const width = isUp ? 100 - Number.parseFloat(at) : Number.parseFloat(at)
  return html`<rect class="wanted" x="${isUp ? at : '0%'}" width="${width.toFixed(1)}%" y="4" height="36"/>
<line class="goal" x1="${at}" x2="${at}" y1="4" y2="40"/>${arrow(at, 10, isUp)}`
}

/** What is met is round, what is not is hollow. */
function medianMark(scale: Scale, ratio: RatioResult): Html {
  const met = isMet(ratio, ratio.target)
  const style = met === undefined ? 'median' : met ? 'median met' : 'median unmet'
  return html`<circle class="${style}" cx="${x(scale, ratio.median)}" cy="${Y}" r="6"/>`
}

function metBadge(ratio: RatioResult): Html {
  const met = isMet(ratio, ratio.target) === true
  const text = ratio.target === undefined ? '' : targetText(ratio.target)
  return html`<span class="badge ${met ? 'pass' : 'fail'}"><span aria-hidden="true">${met ? '✓' : '✗'}</span> ${met ? 'met' : 'not met'}, ${text}</span>`
}

function metText(ratio: RatioResult): string {
  return isMet(ratio, ratio.target) === true ? 'met' : 'not met'
}

/** `3 of 5 wanted ratios are met.` */
export function sumOf(ratios: readonly RatioResult[]): string {
  const wanted = ratios.filter(({ target }) => target !== undefined)
  const met = wanted.filter((ratio) => isMet(ratio, ratio.target)).length
  if (wanted.length === 0) return 'No ratio has a wanted value.'
  return `${met} of ${wanted.length} wanted ${wanted.length === 1 ? 'ratios is' : 'ratios are'} met.`
}

function legendOf(ratios: readonly RatioResult[], hasEarlier: boolean): Html {
  const has = (met: boolean | undefined) => ratios.some((ratio) => isMet(ratio, ratio.target) === met)
  const dot = (style: string) => html`<circle class="${style}" cx="11" cy="5" r="4.5"/>`
  const key = (isShown: boolean, mark: Html, name: string) => (isShown ? [{ mark, name }] : [])
  return legend([
    ...key(has(true), dot('median met'), 'median, where it is wanted'),
    ...key(has(false), dot('median unmet'), 'median, not where it is wanted'),
    ...key(has(undefined), dot('median'), 'median, nothing wanted'),
    RANGE,
    ...key(
      has(true) || has(false),
      html`<rect class="wanted" x="6" width="16" y="0" height="10"/><path class="goal" d="M6,0V10"/>`,
      'wanted',
    ),
    ...(hasEarlier ? [BEFORE] : []),
  ])
}
