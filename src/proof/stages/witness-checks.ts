import type { Judgement } from '../faults/hearing.ts'
import { UNEXPECTED } from '../faults/world.ts'
import type { Check } from '../results.ts'

/** What must be true of everything that buyers were told. */
export function witnessChecks(
  { acknowledged, lost, changed, unresolved, resolved, surplus, brokenLaws }: Judgement,
  counts: ReadonlyMap<string, number>,
): Check[] {
  return [
    none(
      'every acknowledged order is in the database, with its ticket',
      lost.map((order) => ({ order })),
      `${acknowledged} acknowledged, ${lost.length} lost`,
    ),
    none(
      'the same key gets the same order',
      changed,
      `${changed.length} of ${acknowledged} got another answer`,
    ),
    none(
      'every unknown outcome is resolved by its key',
      unresolved,
      `${resolved} were resolved, ${unresolved.length} were not`,
    ),
    none(
      'no key has two orders, and no order is one that nobody was told of',
      surplus,
      `${surplus.length} orders too many`,
    ),
    answersCheck(counts),
    lawsCheck(brokenLaws),
  ]
}

export function answersCheck(counts: ReadonlyMap<string, number>): Check {
  const unexpected = [...counts].filter(([what]) => what.startsWith(UNEXPECTED))
  const detail = unexpected.map(([what, times]) => `${times} × ${what}`).join(', ')
  return none('every answer is one that may be given', unexpected, detail || 'none was unexpected')
}

export function lawsCheck(brokenLaws: Judgement['brokenLaws']): Check {
  const detail = brokenLaws.map(({ law }) => law).join(', ')
  return none('every law holds when it is quiet again', brokenLaws, detail || 'no row breaks one')
}

/** A check that nothing of a kind was found; the first one is its witness. */
export function none(name: string, found: readonly unknown[], detail: string): Check {
  return found.length === 0
    ? { name, verdict: 'PASS', detail }
    : { name, verdict: 'FAIL', detail, witness: found[0] }
}

/** Several hearings as one. */
export function together(judgements: readonly Judgement[]): Judgement {
  return {
    acknowledged: sum(judgements.map((one) => one.acknowledged)),
    lost: judgements.flatMap((one) => one.lost),
    changed: judgements.flatMap((one) => one.changed),
    unresolved: judgements.flatMap((one) => one.unresolved),
    resolved: sum(judgements.map((one) => one.resolved)),
    surplus: judgements.flatMap((one) => one.surplus),
    brokenLaws: judgements.flatMap((one) => one.brokenLaws),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

/** The counters of several runs as one. */
export function summed(
  results: readonly { readonly counts: ReadonlyMap<string, number> }[],
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { counts } of results)
    for (const [what, times] of counts) sums.set(what, (sums.get(what) ?? 0) + times)
  return sums
}
