import type { Adapter, Call, Invariants } from '../../adapter/index.ts'
import type { Check } from '../results.ts'
import { reasonOf } from './failure.ts'
import type { PromiseName } from './promises.ts'

/** One of the five checks: rows that break it. */
interface Invariant {
  readonly name: string
  readonly promise: PromiseName
  /** Undefined where the adapter does not name what it needs. */
  readonly sql: string | undefined
}

const ROWS_MAX = 3

/** The five checks that suites of load tests bring, on the adapter's tables and columns. */
function invariantsOf({ stock, holds, tickets }: Invariants): readonly Invariant[] {
  const { table, id, total, sold, reserved } = stock
  const given = [sold, reserved].filter((column) => column !== undefined)
  const available = stock.available ?? (given.length === 0 ? undefined : [total, ...given].join(' - '))
  const rowsWhere = (condition: string) =>
    `select ${[id, total, sold, reserved, stock.available].filter((it) => it !== undefined).join(', ')} from ${table} where ${both(condition, stock.where)} limit ${ROWS_MAX}`
  return [
    {
      name: 'no negative availability',
      promise: 'never-oversold',
      sql: available && rowsWhere(`${available} < 0`),
    },
    {
      name: 'reserved never exceeds the total',
      promise: 'never-oversold',
      sql: reserved && rowsWhere(`${reserved} > ${total}`),
    },
    {
      name: 'sold never exceeds the total',
      promise: 'never-oversold',
      sql: sold && rowsWhere(`${sold} > ${total}`),
    },
    {
      name: 'reserved is the sum of the holds',
      promise: 'counter-agrees',
      sql: reserved && holds && driftSql(stock, reserved, holds),
    },
    {
      name: 'no ticket twice',
      promise: 'paid-once-issued-once',
      sql:
        tickets &&
        `select ${tickets.code}, count(*) as times from ${tickets.table} where ${tickets.where ?? 'true'} group by ${tickets.code} having count(*) > 1 limit ${ROWS_MAX}`,
    },
  ]
}

function driftSql(
  stock: Invariants['stock'],
  reserved: string,
  holds: NonNullable<Invariants['holds']>,
): string {
  const held = `(select coalesce(sum(${holds.units}), 0) from ${holds.table} as held where held.${holds.stock} = stock.${stock.id} and ${holds.where ?? 'true'})`
  return `select stock.${stock.id}, stock.${reserved}, ${held} as held from ${stock.table} as stock where ${both(`stock.${reserved} <> ${held}`, stock.where)} limit ${ROWS_MAX}`
}

function both(condition: string, where = 'true'): string {
  return `(${condition}) and (${where})`
}

/** Looks after each scenario, before its rows are cleaned up; what was broken once stays said. */
export interface InvariantWatch {
  look(scenario: string): Promise<void>
  checks(): readonly (Check & { readonly promise: PromiseName })[]
  /** What the adapter does not name. */
  leftOut(): readonly { readonly name: string; readonly why: string }[]
}

/** Undefined where the adapter names no rows, or where there is no database. */
export function watchInvariants(
  { invariants }: Adapter,
  sql: Call['sql'] | undefined,
): InvariantWatch | undefined {
  if (invariants === undefined || sql === undefined) return undefined
  const all = invariantsOf(invariants)
  const found = new Map<string, Check & { readonly promise: PromiseName }>()
  let looks = 0
  const lookAt = async ({ name, promise, sql: text }: Invariant, scenario: string) => {
    if (text === undefined || (found.get(name) ?? { verdict: 'PASS' }).verdict !== 'PASS') return
    try {
      const rows = await sql(text)
      const verdict = rows.length === 0 ? 'PASS' : 'FAIL'
      const detail =
        verdict === 'PASS' ? `no row breaks it, in ${looks} looks` : `rows break it after ${scenario}`
      found.set(name, {
        name,
        promise,
        verdict,
        detail,
        ...(verdict === 'PASS' ? {} : { witness: rows, reproduce: text }),
      })
    } catch (error) {
      found.set(name, { name, promise, verdict: 'INCONCLUSIVE', detail: reasonOf(error), reproduce: text })
    }
  }
  return {
    look: async (scenario) => {
      looks++
      for (const one of all) await lookAt(one, scenario)
    },
    checks: () => [...found.values()],
    leftOut: () =>
      all
        .filter(({ sql: text }) => text === undefined)
        .map(({ name }) => ({ name, why: '`invariants` does not name what it needs' })),
  }
}
