import { arrayText } from '../db/array-text.ts'
import { call, identifier, literal } from '../db/call.ts'
import type { Database } from '../db/pool.ts'
import { SERVICE } from './callers.ts'

/** A row's key: its values as PostgreSQL writes them in text. */
export type Key = readonly string[]

/** What callers of one role look for in one table. */
export interface Look {
  readonly role: string
  readonly table: string
  /** The columns of its key, and their types. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly asks: readonly Ask[]
}

/** In whose name some rows are looked for. */
interface Ask {
  readonly claims: string
  readonly keys: readonly Key[]
}

/**
 * Which of these rows row level security shows, to each of `asks` in their order: one round trip, and one plan for all callers of a
 * role. It looks once others see these commits (the low 32 bits of their transactions' ids). Throws where the database fails.
 */
export async function visibleRows(
  looks: readonly Look[],
  commits: readonly number[],
  database: Database,
): Promise<readonly (readonly Key[])[]> {
  const asked = looks.map((look) => ({
    role: look.role,
    query: queryOf(look),
    types: look.columns.map(({ type }) => `${type}[]`).join(','),
    asks: look.asks.map(({ claims, keys }) => [claims, argumentsOf(look, keys)]),
  }))
  const sql = `select ticketing.visible_rows('{${commits.join(',')}}',${literal(JSON.stringify(asked))})::text`
  // Each look within it has a snapshot of its own: in one of the transaction a commit would never be seen.
  const rows = await call(database, { caller: SERVICE, sql, readOnly: true, isolation: 'read committed' })
  const given = JSON.parse(rows[0]?.[0] ?? '[]') as readonly string[]
  return given.map((keys) => JSON.parse(keys) as readonly Key[])
}

/** An array of each column's values goes in, and the keys of what is found come out. */
function queryOf({ table, columns }: Look): string {
  const names = columns.map(({ name }) => identifier(name))
  const wanted =
    names.length === 1
      ? `${names[0]} = any ($1)`
      : `(${names.join(',')}) in (select * from unnest(${names.map((_, n) => `$${n + 1}`).join(',')}))`
  const texts = names.map((name) => `${name}::text`).join(',')
  return `select coalesce(json_agg(json_build_array(${texts})),'[]')::text from public.${identifier(table)} where ${wanted}`
}

function argumentsOf({ columns }: Look, keys: readonly Key[]): string {
  return columns.map((_, n) => literal(arrayText(keys.map((values) => values[n] ?? '')))).join(',')
}
