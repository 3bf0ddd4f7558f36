import { count, seconds } from '../../report/numbers.ts'
import { INDENT, indent, section, tableRows, wrap } from '../../report/text.ts'
import type { GuaranteeResult, Results } from '../results.ts'
import { commandLines } from './command.ts'
import { paint } from './paint.ts'
import { comparisonSection } from './terminal-comparison.ts'
import { healthSections } from './terminal-health.ts'
import { promiseLines, targetLines } from './terminal-target.ts'
import {
  countExpected,
  engineOf,
  type Finding,
  findingsOf,
  furtherReasons,
  keyFigures,
  lawRows,
  leftOutSentences,
  postgresFact,
  racesOf,
  sabotageKinds,
  sentenceOf,
  withSign,
  witnessText,
} from './words.ts'

export interface TerminalOptions {
  /** Cells of the terminal; below 40 it is taken as 40, and no line needs more than 120. */
  readonly columns: number
  readonly color: boolean
}

const COLUMNS_MIN = 40
const COLUMNS_MAX = 120
const COLUMNS_WIDE = 110
const WITNESS_LINES_MAX = 24
const WITNESS_CHARACTERS_MAX = 4000

/** What a run prints at its end: guarantees, scenarios, interleavings, sabotage, every finding, and the verdict last, where the eye is. */
export function verdictText(results: Results, options: TerminalOptions): string {
  const columns = Math.max(COLUMNS_MIN, Math.min(options.columns, COLUMNS_MAX))
  const { target } = results
  const sections = [
    target === undefined ? runLines(results, columns) : targetLines(results, target, columns),
    ...(target === undefined
      ? [section('Guarantees', guaranteeLines(results, columns))]
      : [section('Promises', promiseLines(results, columns))]),
    section('Scenarios', scenarioLines(results, columns)),
    ...(target === undefined
      ? [
          ...healthSections(results, columns),
          section('Interleavings', interleavingLines(results, columns)),
          section('Sabotage', sabotageLines(results, columns)),
        ]
      : []),
    ...comparisonSection(results, columns),
    findingsLines(results, columns),
    verdictLines(results, columns),
  ]
  const lines = sections.filter(({ length }) => length > 0).flatMap((section) => [...section, ''])
  return (options.color ? paint(lines, results.verdict) : lines).join('\n')
}

function runLines({ run, product, environment }: Results, columns: number): string[] {
  const facts = [
    `${product.name} ${product.version}`,
    `profile ${run.profile}`,
    `seed ${run.seed}`,
    seconds(run.durationMs),
    ...(environment.postgres === null ? [] : [postgresFact(environment.postgres)]),
    `${environment.cores} cores`,
    environment.placement,
  ]
  return wrap(facts.join(' · '), columns)
}

function guaranteeLines({ guarantees, sabotage }: Results, columns: number): string[] {
  const wide = columns >= COLUMNS_WIDE
  const heads = [
    { head: '#', align: 'right' as const },
    { head: 'guarantee' },
    { head: 'verdict' },
    { head: 'protections', align: 'right' as const },
    { head: 'law rows', align: 'right' as const },
    { head: 'sabotage', align: 'right' as const },
    ...(wide ? [{ head: 'under load in' }] : []),
  ]
  const rows = guarantees.map((guarantee) => [
    String(guarantee.number),
    guarantee.name,
    withSign(guarantee.verdict),
    `${guarantee.protections.active} of ${guarantee.protections.total}`,
    count(lawRows(guarantee)),
    sabotageOf(guarantee, sabotage),
    ...(wide ? [guarantee.scenarios.join(', ') || 'nothing in this run'] : []),
  ])
  return tableRows(heads, rows, columns - INDENT.length).flat()
}

function sabotageOf({ name, sabotage }: GuaranteeResult, all: Results['sabotage']): string {
  if (sabotage.total === 0) return 'none'
  return `${countExpected(all.filter(({ guarantee }) => guarantee === name))} of ${sabotage.total}`
}

/** What happened stands beside the name in a wide terminal, else below it. */
function scenarioLines({ scenarios, stages }: Results, columns: number): string[] {
  const width = columns - INDENT.length
  const leftOut = leftOutSentences(stages).flatMap((sentence) => wrap(sentence, width))
  if (scenarios.length === 0) return ['none ran', ...leftOut]
  const wide = columns >= COLUMNS_WIDE
  const heads = ['scenario', 'engine', 'verdict', ...(wide ? ['what happened'] : [])].map((head) => ({
    head,
  }))
  const figures = scenarios.map(keyFigures)
  const rows = scenarios.map((scenario, at) => [
    scenario.name,
    engineOf(scenario),
    withSign(scenario.verdict),
    figures[at] ?? '',
  ])
  const below = (at: number) => (wide ? [] : indent(wrap(figures[at] ?? '', width - INDENT.length)))
  const table = tableRows(heads, rows, width).flatMap((lines, at) =>
    at === 0 ? lines : [...lines, ...below(at - 1)],
  )
  return [...table, ...leftOut]
}

/** One line a race, all isolation levels together; what its sessions were told is in the report. */
function interleavingLines({ interleavings, stages }: Results, columns: number): string[] {
  const width = columns - INDENT.length
  const reason = stages.find(({ name }) => name === 'interleavings')?.reason ?? 'they did not run'
  if (interleavings.length === 0) return wrap(`none: ${reason}`, width)
  const heads = [
    { head: 'race' },
    { head: 'orders', align: 'right' as const },
    { head: 'waits', align: 'right' as const },
    ...(columns >= COLUMNS_WIDE
      ? [
          { head: 'deadlocks', align: 'right' as const },
          { head: 'told to retry', align: 'right' as const },
        ]
      : []),
    { head: 'verdict' },
  ]
  const rows = racesOf(interleavings).map(({ race, orders, stepped, waits, deadlocks, retries, verdict }) => [
    race,
    `${count(stepped)} of ${count(orders)}`,
    count(waits),
    ...(columns >= COLUMNS_WIDE ? [count(deadlocks), count(retries)] : []),
    withSign(verdict),
  ])
  return tableRows(heads, rows, width).flat()
}

function sabotageLines({ sabotage, stages }: Results, columns: number): string[] {
  const width = columns - INDENT.length
  const reason = stages.find(({ name }) => name === 'sabotage')?.reason ?? 'it did not run'
  if (sabotage.length === 0) return wrap(`none: ${reason}`, width)
  const heads = [
    { head: 'taken away' },
    { head: 'expected' },
    { head: 'as expected', align: 'right' as const },
  ]
  const rows = sabotageKinds(sabotage).map(({ what, expected, good, total }) => [
    what,
    expected,
    `${good} of ${total}`,
  ])
  return tableRows(heads, rows, width).flat()
}

function findingsLines(results: Results, columns: number): string[] {
  const findings = findingsOf(results)
  if (findings.length === 0) return []
  const lines = findings.flatMap((finding) => ['', ...findingLines(finding, columns)])
  return [...section('Findings', []), ...lines]
}

/** Commands start at the edge, so that they can be copied. */
function findingLines(
  { stage, verdict, name, detail, witness, reproduce }: Finding,
  columns: number,
): string[] {
  const width = columns - INDENT.length
  return [
    ...indent(wrap(`${withSign(verdict)}  ${stage}: ${name}`, width)),
    ...indent(wrap(detail, width)),
    ...(witness === undefined ? [] : indent(['witness', ...witnessLines(witness, width - INDENT.length)])),
    `${INDENT}see it again`,
    ...commandLines(reproduce, columns),
  ]
}

function witnessLines(witness: unknown, width: number): string[] {
  const lines = wrap(witnessText(witness).slice(0, WITNESS_CHARACTERS_MAX), width)
  const shown = lines.length <= WITNESS_LINES_MAX ? lines : [...lines.slice(0, WITNESS_LINES_MAX), MORE]
  return indent(shown)
}

const MORE = '… the rest is in the report'

function verdictLines(results: Results, columns: number): string[] {
  const { verdict } = results
  const sentences = findingsOf(results).map(({ sentence }) => sentence)
  const notes = [
    ...furtherReasons(results).filter((reason) => !sentences.includes(reason)),
    ...notShownNotes(results),
  ]
  const rule = '━'.repeat(columns)
  return [
    rule,
    withSign(verdict),
    ...wrap(sentenceOf(results), columns),
    rule,
    ...notes.flatMap((note) => wrap(note, columns)),
  ]
}

function notShownNotes({ guarantees, target }: Results): readonly string[] {
  if (target === undefined)
    return guarantees.some((guarantee) => guarantee.verdict === 'NOT SHOWN') ? [NOT_SHOWN] : []
  const behind = target.leftBehind.map((what) => `Left behind: ${what}`)
  return [...target.notShown.map(({ name, why }) => `NOT SHOWN: ${name} (${why})`), ...behind]
}

const NOT_SHOWN = 'NOT SHOWN: the laws of the guarantee are empty, but nothing in this run put it under load.'
