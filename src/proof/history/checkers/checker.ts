import { count } from '../../report/words.ts'
import type { Verdict } from '../../results.ts'
import type { LedgerRow, Operation } from '../format.ts'
import type { Lookup } from '../lookup.ts'

/** A judge of a history: pure, and with no code in common with verbs and laws. */
export interface Checker {
  readonly name: string
  /** What holds where it says PASS. */
  readonly promise: string
  readonly judge: (lookup: Lookup) => Judgement
}

export interface Judgement {
  /** NOT APPLICABLE: the history has nothing of its kind, and so it was not looked at. */
  readonly verdict: Verdict | 'NOT APPLICABLE'
  readonly detail: string
  readonly witness?: Witness
}

/** What shows it, in lines that are read at one glance. */
export interface Witness {
  readonly wrong: string
  readonly operations: readonly string[]
  readonly rows: readonly string[]
}

export function witnessOf(
  wrong: string,
  operations: readonly Operation[],
  rows: readonly LedgerRow[] = [],
): Witness {
  return {
    wrong,
    operations: operations.slice(0, SHOWN_MAX).map(operationText),
    rows: rows.slice(0, SHOWN_MAX).map(rowText),
  }
}

const SHOWN_MAX = 4

/** Of what was looked at, so many; the first thing that is wrong is the witness. */
export function judged(looked: number, what: string, wrong: readonly Witness[]): Judgement {
  const [witness] = wrong
  if (witness !== undefined)
    return { verdict: 'FAIL', detail: `${count(wrong.length)} of ${count(looked)} ${what} break it`, witness }
  if (looked === 0) return { verdict: 'NOT APPLICABLE', detail: `the history has no ${what}` }
  return { verdict: 'PASS', detail: `${count(looked)} ${what}` }
}

function operationText(operation: Operation): string {
  const { process, call, return: returned, outcome, code, key, fault } = operation
  const times = `${time(call)}–${returned === null ? '?' : time(returned)} ms`
  const names = Object.entries({ key, ...operation.asked, ...operation.answered }).filter(
    ([, value]) => value !== undefined,
  )
  return [
    `${operation.operation} by ${process}, ${times}: ${outcome}${code === 'success' ? '' : ` (${code})`}`,
    ...names.map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`),
    ...(fault === undefined ? [] : [`while ${fault}`]),
  ].join(', ')
}

function rowText({ row, version: _, database, id, ...fields }: LedgerRow): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== null)
  return `${row} ${id} in ${database}: ${shown.map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : value}`).join(', ')}`
}

function time(ms: number): string {
  return ms.toFixed(1)
}
