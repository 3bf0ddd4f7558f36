import { styleText } from 'node:util'
import { type Column, INDENT, section, tableRows, wrap } from '../report/text.ts'
import type { Question } from './question.ts'
import type { RateResult, RatioResult, Result } from './result.ts'
import { digits, factsOf, rangeOf, sharesOf, wantedOf } from './words.ts'

const RIGHT = { align: 'right' } as const

interface Terminal {
  readonly columns: number
  readonly color: boolean
}

/** A result for a terminal, beside an earlier one where that is given. */
export function resultText(
  question: Question,
  result: Result,
  { columns, color }: Terminal,
  earlier: Result | undefined,
): string {
  const width = columns - INDENT.length
  const facts = (one: Result) =>
    wrap(
      factsOf(one)
        .map(([, text]) => text)
        .join(' · '),
      width,
    )
  const sections = [
    section(question.name, [...wrap(question.asks, width), '', ...facts(result)]),
    ...(earlier === undefined ? [] : [section('Before', facts(earlier))]),
    section('Ratios', tableOf(ratioColumns(result, earlier), Object.entries(result.ratios), width)),
    section('Rates', [
      ...tableOf(rateColumns(question, result, earlier), Object.entries(result.rates), width),
      '',
      ...wrap(LEGEND, width),
    ]),
    ...result.missing.map(({ contestants, why }) =>
      section('Missing', wrap(`${contestants.join(' · ')}: ${why}`, width)),
    ),
  ]
  const text = sections.map((lines) => lines.map((line) => line.trimEnd()).join('\n')).join('\n\n')
  return color ? paint(text) : text
}

/** In colour, which adds nothing that the words do not say. */
function paint(text: string): string {
  const style = (format: Parameters<typeof styleText>[0]) => (found: string) =>
    styleText(format, found, { validateStream: false })
  return text
    .replaceAll(/^\S.*$/gm, style('bold'))
    .replaceAll(/✓ [≥≤] \S+/g, style('green'))
    .replaceAll(/✗ [≥≤] \S+/g, style('red'))
}

const LEGEND =
  'Median of the rounds, the least and the most. CPU: of all cores, by the load generator / the server / PostgreSQL. The rows of every contestant were counted afterwards and add up.'

/** A column, and its cell of one row. */
type Cells<Row> = readonly (Column & { cell(row: Row, name: string): string })[]

function tableOf<Row>(columns: Cells<Row>, rows: readonly [string, Row][], width: number): string[] {
  const cells = rows.map(([name, row]) => columns.map(({ cell }) => cell(row, name)))
  return tableRows(columns, cells, width).flat()
}

function ratioColumns({ ratios }: Result, earlier: Result | undefined): Cells<RatioResult> {
  const hasTargets = Object.values(ratios).some(({ target }) => target !== undefined)
  return [
    { head: '', cell: ({ label }) => label },
    { head: 'median', ...RIGHT, cell: ({ median }) => digits(median) },
    { head: 'least–most', ...RIGHT, cell: rangeOf },
    ...before(earlier?.ratios),
    ...(hasTargets ? [{ head: 'wanted', cell: wantedOf }] : []),
  ]
}

/** The column of an earlier result, where there is one. */
function before(earlier: Readonly<Record<string, { readonly median: number }>> | undefined): Cells<unknown> {
  if (earlier === undefined) return []
  return [{ head: 'before', ...RIGHT, cell: (_, name) => digits(earlier[name]?.median) }]
}

function rateColumns(
  { columns = [] }: Question,
  { machine }: Result,
  earlier: Result | undefined,
): Cells<RateResult> {
  return [
    { head: '', cell: ({ label }) => label },
    { head: 'a second', ...RIGHT, cell: ({ median }) => digits(median) },
    { head: 'least–most', ...RIGHT, cell: rangeOf },
    ...before(earlier?.rates),
    { head: 'p50 ms', ...RIGHT, cell: ({ p50Ms }) => digits(p50Ms) },
    { head: 'p99 ms', ...RIGHT, cell: ({ p99Ms }) => digits(p99Ms) },
    ...columns.map((name) => ({
      head: HEADS[name],
      ...RIGHT,
      cell: (rate: RateResult) => digits(rate[name]),
    })),
    {
      head: 'CPU %',
      ...RIGHT,
      cell: ({ cores }) => sharesOf(cores, machine.cores),
    },
  ]
}

const HEADS = { maxMs: 'oldest ms', residentMiB: 'MiB' } as const
