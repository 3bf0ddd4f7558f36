import { count } from '../../../report/numbers.ts'
import type { Verdict } from '../../results.ts'
import type { LedgerRow, Operation } from '../format.ts'
import type { Lookup } from '../lookup.ts'

/** A judge of a history: pure, and with no code in common with verbs and laws. */
export interface Checker {
  readonly name: string
  /** What holds where it says PASS. */
  readonly promise: string
  /** What it looks at, in words for a number of them. */
  readonly what: string
  /** Looks at one database. */
  readonly look: (lookup: Lookup) => Findings
  /** In words of its own, where `looked` and `wrong` do not say it all. */
  readonly judge?: (findings: Findings) => Judgement
}

/** What was found in one database, or in several. */
export interface Findings {
  readonly looked: number
  readonly wrong: number
  /** Of the first thing that is wrong. */
  readonly witness?: Witness | undefined
  /** Unknown operations that were done after all. */
  readonly done?: number
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

export function found(looked: number, wrong: readonly Witness[]): Findings {
  return { looked, wrong: wrong.length, witness: wrong[0] }
}

export function together(one: Findings, other: Findings): Findings {
  return {
    looked: one.looked + other.looked,
    wrong: one.wrong + other.wrong,
    witness: one.witness ?? other.witness,
    done: (one.done ?? 0) + (other.done ?? 0),
  }
}

export function judgementOf({ what, judge }: Checker, findings: Findings): Judgement {
  const { looked, wrong, witness } = findings
  if (looked === 0) return { verdict: 'NOT APPLICABLE', detail: `the history has no ${what}` }
  if (judge !== undefined) return judge(findings)
  return witness === undefined
    ? { verdict: 'PASS', detail: `${count(looked)} ${what}` }
    : { verdict: 'FAIL', detail: `${count(wrong)} of ${count(looked)} ${what} break it`, witness }
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
