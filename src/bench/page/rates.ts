import { legend } from '../../report/chart.ts'
import { type Html, html } from '../../report/markup.ts'
import type { RateResult, Result } from '../result.ts'
import { digits, rangeOf, sharesOf } from '../words.ts'
import {
  BEFORE,
  diamond,
  evenScale,
  factorScale,
  plotOf,
  RANGE,
  rangeMarks,
  roundsText,
  x,
  Y,
} from './plot.ts'
import { beforeText, type Earlier } from './ratios.ts'

const round = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 2 })

/** How much each contestant answered in a second. */
export function ratePlot({ rates }: Result, earlier: Earlier | undefined): Html {
  const before = (name: string) => earlier?.result.rates[name]
  const rows = Object.entries(rates)
  const scale = evenScale(
    Math.max(...rows.flatMap(([name, { max }]) => [max, before(name)?.median ?? 0])),
    round,
  )
  const barOf = ([name, rate]: [string, RateResult]) => {
    const was =
      before(name) === undefined
        ? ''
        : beforeText(rate.median, before(name)?.median ?? 0, earlier?.isComparable === true)
    return {
      label: rate.label,
      marks: html`<rect class="rate" x="0" width="${x(scale, rate.median)}" y="${Y - 8}" height="16"/>${rangeMarks(scale, rate, Y)}${was === '' ? null : diamond(x(scale, before(name)?.median ?? 0), Y, 'before')}`,
      figure: html`<b>${digits(rate.median)}</b> <span>a second</span><small>${rangeOf(rate)}${was === '' ? '' : ` · ${was}`}</small>`,
      says: `${rate.label}: ${digits(rate.median)} a second, least ${digits(rate.min)}, most ${digits(rate.max)}${was === '' ? '' : `; ${was}`}`,
      cells: [
        digits(rate.median),
        rangeOf(rate),
        ...(earlier ? [was || '–'] : []),
        roundsText(rate.rounds, digits),
      ],
    }
  }
  return plotOf({
    scale,
    legend: legend([
      { mark: html`<rect class="rate" width="22" height="10"/>`, name: 'median' },
      RANGE,
      ...(earlier ? [BEFORE] : []),
    ]),
    rows: rows.map(barOf),
    summary:
      'Answers a second, medians of the rounds. These figures belong to this machine and its load; the ratios carry further.',
    heads: ['contestant', 'a second', 'least–most', ...(earlier ? ['before'] : []), 'rounds'],
  })
}

/** How long an answer takes; null where no contestant was timed. */
export function latencyPlot({ rates }: Result, earlier: Earlier | undefined): Html | null {
  const rows = Object.entries(rates).flatMap(([name, { label, p50Ms, p99Ms }]) =>
    p50Ms === null || p99Ms === null ? [] : [{ name, label, p50Ms, p99Ms }],
  )
  if (rows.length === 0) return null
  const scale = factorScale(
    rows.flatMap(({ p50Ms, p99Ms }) => [p50Ms, p99Ms]),
    round,
  )
  const untimed = Object.values(rates).filter(({ p50Ms, p99Ms }) => p50Ms === null || p99Ms === null)
  return plotOf({
    scale,
    legend: legend([
      { mark: html`<circle class="p50" cx="11" cy="5" r="4.5"/>`, name: 'p50' },
      { mark: html`<rect class="p99" x="8.5" width="5" height="10"/>`, name: 'p99' },
    ]),
    rows: rows.map(({ name, label, p50Ms, p99Ms }) => {
      const before = earlier?.result.rates[name]
      const was =
        before === undefined || before.p50Ms === null
          ? ''
          : `was ${digits(before.p50Ms)} · ${digits(before.p99Ms)}`
      return {
        label,
        marks: html`<line class="span" x1="${x(scale, p50Ms)}" x2="${x(scale, p99Ms)}" y1="${Y}" y2="${Y}"/>
<circle class="p50" cx="${x(scale, p50Ms)}" cy="${Y}" r="5.5"/><svg class="mark" x="${x(scale, p99Ms)}" y="${Y}"><rect class="p99" x="-2.5" width="5" y="-8" height="16"/></svg>`,
        figure: html`<b>${digits(p50Ms)} · ${digits(p99Ms)}</b> <span>ms</span>${was === '' ? null : html`<small>${was}</small>`}`,
        says: `${label}: p50 ${digits(p50Ms)} ms, p99 ${digits(p99Ms)} ms${was === '' ? '' : `; ${was}`}`,
        cells: [digits(p50Ms), digits(p99Ms), ...(earlier ? [was || '–'] : [])],
      }
    }),
    summary: `Milliseconds, p50 and p99, each the median of the rounds; equal distances are equal factors.${untimed.length === 0 ? '' : ` Not timed: ${untimed.map(({ label }) => label).join(' · ')}.`}`,
    heads: ['contestant', 'p50 ms', 'p99 ms', ...(earlier ? ['before'] : [])],
  })
}

const SHARES = [
  ['load', 'load generator'],
  ['server', 'server'],
  ['postgres', 'PostgreSQL'],
] as const

/** Who took the CPU; null where none could be seen. */
export function cpuPlot({ rates, machine }: Result, earlier: Earlier | undefined): Html | null {
  const rows = Object.entries(rates).filter(([, { cores }]) => SHARES.some(([who]) => cores[who] !== null))
  if (rows.length === 0) return null
  const percent = (busy: number | null) => (100 * (busy ?? 0)) / machine.cores
  const sum = ({ cores }: RateResult) => SHARES.reduce((all, [who]) => all + percent(cores[who]), 0)
  const scale = evenScale(Math.max(100, ...rows.map(([, rate]) => sum(rate))), (value) => `${value} %`)
  return plotOf({
    scale,
    legend: legend(
      SHARES.map(([who, name]) => ({ mark: html`<rect class="cpu ${who}" width="22" height="10"/>`, name })),
    ),
    rows: rows.map(([name, { label, cores }]) => {
      const before = earlier?.result.rates[name]
      const was = before === undefined ? '' : sharesOf(before.cores, earlier?.result.machine.cores ?? 1)
      let from = 0
      const marks = SHARES.map(([who]) => {
        const rect = html`<rect class="cpu ${who}" x="${x(scale, from)}" width="${x(scale, percent(cores[who]))}" y="${Y - 8}" height="16"/>`
        from += percent(cores[who])
        return rect
      })
      const shares = SHARES.map(
        ([who, words]) =>
          `${words} ${cores[who] === null ? 'not seen' : `${percent(cores[who]).toFixed(0)} %`}`,
      )
      return {
        label,
        marks,
        figure: html`<b>${sharesOf(cores, machine.cores)}</b> <span>%</span>${was === '' ? null : html`<small>was ${was}</small>`}`,
        says: `${label}: ${shares.join(', ')}`,
        cells: [
          ...SHARES.map(([who]) => (cores[who] === null ? '–' : percent(cores[who]).toFixed(0))),
          ...(earlier ? [was || '–'] : []),
        ],
      }
    }),
    summary: `Percent of ${machine.cores} cores: load generator / server / PostgreSQL, medians of the rounds. The rest was free, or went to other work.`,
    heads: ['contestant', 'load %', 'server %', 'PostgreSQL %', ...(earlier ? ['before'] : [])],
  })
}
