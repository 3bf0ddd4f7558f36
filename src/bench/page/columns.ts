import { legend } from '../../report/chart.ts'
import { type Html, html } from '../../report/markup.ts'
import type { Question } from '../question.ts'
import type { Result } from '../result.ts'
import { digits } from '../words.ts'
import { BEFORE, diamond, evenScale, plotOf, x, Y } from './plot.ts'
import { beforeText, type Earlier } from './ratios.ts'

type ColumnName = NonNullable<Question['columns']>[number]

/** What a question asks of its contestants beside what every question asks. */
export const COLUMNS: Readonly<Record<ColumnName, { title: string; unit: string; summary: string }>> = {
  maxMs: {
    title: 'Oldest answer',
    unit: 'ms',
    summary: 'How long the slowest answer took, the most of the rounds.',
  },
  residentMiB: { title: 'Memory of the server', unit: 'MiB', summary: 'Resident, the median of the rounds.' },
}

/** One bar a contestant; null where none has the figure. */
export function columnPlot(name: ColumnName, { rates }: Result, earlier: Earlier | undefined): Html | null {
  const { unit, summary } = COLUMNS[name]
  const rows = Object.entries(rates).flatMap(([contestant, rate]) => {
    const [now, was] = [rate[name], earlier?.result.rates[contestant]?.[name] ?? null]
    return now === null ? [] : [{ label: rate.label, now, was }]
  })
  if (rows.length === 0) return null
  const scale = evenScale(Math.max(...rows.flatMap(({ now, was }) => [now, was ?? 0])), (value) =>
    value.toLocaleString('en'),
  )
  return plotOf({
    scale,
    legend: earlier === undefined ? html`` : legend([BEFORE]),
    rows: rows.map(({ label, now, was }) => {
      const before = was === null ? '' : beforeText(now, was, earlier?.isComparable === true)
      return {
        label,
        marks: html`<rect class="rate" x="0" width="${x(scale, now)}" y="${Y - 8}" height="16"/>${was === null ? null : diamond(x(scale, was), Y, 'before')}`,
        figure: html`<b>${digits(now)}</b> <span>${unit}</span><small>${before}</small>`,
        says: `${label}: ${digits(now)} ${unit}${before === '' ? '' : `; ${before}`}`,
        cells: [digits(now), ...(earlier ? [before || '–'] : [])],
      }
    }),
    summary,
    heads: ['contestant', unit, ...(earlier ? ['before'] : [])],
  })
}
