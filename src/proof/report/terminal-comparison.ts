import { changeOf, milliseconds } from '../../report/numbers.ts'
import { INDENT, section, tableRows, wrap } from '../../report/text.ts'
import type { Results } from '../results.ts'
import { comparisonSentence } from './words.ts'

/** This run beside the earlier one that was named; outcomes by number are in the report. */
export function comparisonSection({ comparison, verdict }: Results, columns: number): string[][] {
  if (comparison === undefined) return []
  const width = columns - INDENT.length
  const { earlier, differences, failing, mended, scenarios } = comparison
  const sentences = [
    comparisonSentence(comparison, verdict),
    ...differences.map(({ what, before, now }) => `another ${what}: ${before}, now ${now}`),
    ...failing.map(({ name, verdict: now }) => `fails anew: ${name} (${now})`),
    ...mended.map((name) => `passes again: ${name}`),
  ]
  const heads = [{ head: 'scenario' }, ...['p50, ms', 'p95, ms', 'a second'].map((head) => ({ head }))]
  const rows = scenarios.map((scenario) => [
    scenario.name,
    ...(['p50', 'p95', 'perSecond'] as const).map((figure) => {
      const { before, now } = scenario[figure]
      const text = (value: number | null) => (value === null ? '–' : milliseconds(value))
      return `${text(before)} → ${text(now)}${scenario.isCompared ? changeOf(scenario[figure]) : ''}`
    }),
  ])
  const lines = [...sentences.flatMap((sentence) => wrap(sentence, width))]
  const table = scenarios.length === 0 ? [] : tableRows(heads, rows, width).flat()
  return [section(`Compared with ${earlier.id}`, [...lines, ...table])]
}
