import { seconds } from '../../report/numbers.ts'
import { INDENT, tableRows, wrap } from '../../report/text.ts'
import type { Results } from '../results.ts'
import { targetFacts } from './target.ts'
import { comparisonsOf, withSign } from './words.ts'

const COLUMNS_WIDE = 110

export function targetLines(
  { run, product }: Results,
  target: NonNullable<Results['target']>,
  columns: number,
): string[] {
  const facts = targetFacts(target).map(([term, fact]) => `${term.toLowerCase()} ${fact}`)
  const own = [`${product.name} ${product.version}`, `profile ${run.profile}`, seconds(run.durationMs)]
  return wrap([...own, ...facts].join(' · '), columns)
}

/** What a target's adapter cannot say is said with its reason, below the verdict. */
export function promiseLines({ guarantees }: Results, columns: number): string[] {
  const wide = columns >= COLUMNS_WIDE
  const heads = [
    { head: '#', align: 'right' as const },
    { head: 'promise' },
    { head: 'verdict' },
    { head: 'comparisons', align: 'right' as const },
    ...(wide ? [{ head: 'under load in' }] : []),
  ]
  const rows = guarantees.map((guarantee) => [
    String(guarantee.number),
    guarantee.name,
    withSign(guarantee.verdict),
    comparisonsOf(guarantee),
    ...(wide ? [guarantee.scenarios.join(', ') || 'nothing in this run'] : []),
  ])
  return tableRows(heads, rows, columns - INDENT.length).flat()
}
