import { count } from '../../report/numbers.ts'
import { tableRows, wrap } from '../../report/text.ts'
import { paint } from '../report/paint.ts'
import { SIGNS, witnessText } from '../report/words.ts'
import { type Verdict, worst } from '../results.ts'
import type { CheckerResult } from './checkers/index.ts'
import { type HistoryFile, totalOf } from './read.ts'

/** Where nothing of what the checkers look at is there, nothing is shown. */
export function verdictOf(results: readonly CheckerResult[]): Verdict {
  const verdicts = results.map(({ verdict }) => verdict).filter((verdict) => verdict !== 'NOT APPLICABLE')
  return verdicts.length === 0 ? 'INCONCLUSIVE' : worst(verdicts)
}

interface TextOptions {
  /** Cells of the terminal, at least 40. */
  readonly columns: number
  readonly color: boolean
}

const COLUMNS_MAX = 120
const INDENT = '  '

/** What `prove check` prints: each checker, each witness, and the verdict last. */
export function historyText(
  { header, databases }: Pick<HistoryFile, 'header' | 'databases'>,
  results: readonly CheckerResult[],
  { columns: wanted, color }: TextOptions,
): string {
  const columns = Math.min(wanted, COLUMNS_MAX)
  const { operations, rows } = totalOf(databases)
  const facts = `run ${header.run}, seed ${header.seed}: ${count(operations)} operations, ${count(rows)} rows of ${databases.size === 1 ? '1 database' : `${databases.size} databases`}`
  const verdict = verdictOf(results)
  const rule = '━'.repeat(columns)
  const lines = [
    ...wrap(facts, columns),
    '',
    ...tableRows(HEADS, results.map(rowOf), columns - INDENT.length)
      .flat()
      .map(indent),
    '',
    ...results.flatMap((result) => findingLines(result, columns - INDENT.length)),
    rule,
    `${SIGNS[verdict]} ${verdict}`,
    ...wrap(sentenceOf(results), columns),
    rule,
  ]
  return (color ? paint(lines, verdict) : lines).join('\n')
}

const HEADS = [{ head: 'checker' }, { head: 'verdict' }, { head: 'what was seen' }]

function rowOf({ checker, verdict, detail }: CheckerResult): readonly string[] {
  const sign = verdict === 'NOT APPLICABLE' ? '–' : SIGNS[verdict]
  return [checker.name, `${sign} ${verdict}`, detail]
}

function findingLines({ checker, verdict, witness }: CheckerResult, width: number): readonly string[] {
  if (verdict !== 'FAIL' && verdict !== 'INCONCLUSIVE') return []
  return [
    ...wrap(`${SIGNS[verdict]} ${verdict}  ${checker.name}: ${checker.promise}`, width),
    ...(witness === undefined ? [] : wrap(witnessText(witness), width)),
    '',
  ].map((line) => (line === '' ? line : indent(line)))
}

function sentenceOf(results: readonly CheckerResult[]): string {
  const named = (wanted: CheckerResult['verdict']) =>
    results.filter(({ verdict }) => verdict === wanted).map(({ checker }) => checker.name)
  const parts = [
    `${named('PASS').length} of ${results.length} checkers passed.`,
    ...(named('NOT APPLICABLE').length === 0
      ? []
      : [`Nothing to look at: ${named('NOT APPLICABLE').join(', ')}.`]),
  ]
  return parts.join(' ')
}

function indent(line: string): string {
  return INDENT + line
}
