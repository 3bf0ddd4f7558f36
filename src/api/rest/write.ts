import { identifier } from '../../db/call.ts'
import { sqlErrorOf } from '../../db/failures.ts'
import type { Row } from '../../db/pool.ts'
import type { Reply } from '../http.ts'
import { readText } from './body.ts'
import { guardsSql } from './guards.ts'
import { negotiateMedia, negotiateSchema, type Preferences, parsePreferences } from './negotiate.ts'
import { parametersOf } from './parameters.ts'
import { GUCS, readSql, resultOf, tableSql } from './read-sql.ts'
import type { Relation, Relations } from './relations.ts'
import { contentRange, withOwn } from './reply.ts'
import type { RestContext } from './rpc.ts'
import { placeSql } from './single-upsert.ts'
import { parseTableQuery, type TableQuery } from './table-query.ts'
import { type Asking, answeredHeaders, bodySql, inCatalogue, run } from './tables.ts'
import { columnOf, deleteSql, insertedSql, insertSql, targetOf, type Upsert, updateSql } from './write-sql.ts'
import { type Method, type Written, writtenIn } from './written.ts'

/** `POST`, `PATCH`, `PUT` and `DELETE /rest/v1/<table>`: one statement, one transaction; rights and RLS decide what may be written. */
export async function handleWrite(
  request: Request,
  method: Method,
  table: string,
  context: RestContext,
): Promise<Reply> {
  const echoSchema = negotiateSchema(request)
  const media = negotiateMedia(request.headers.get('accept'))
  const preferences = parsePreferences(request.headers.get('prefer'), method)
  const query = parseTableQuery(parametersOf(request))
  const text = method === 'DELETE' ? '' : await readText(request)
  const writing: Writing = {
    method,
    query,
    preferences,
    body: writtenIn(request, text, method, query, preferences),
  }
  const asking: Asking = { request, table, context, preferences, readOnly: false }
  const shown = preferences.returns ?? 'minimal'
  const plan = (relations: Relations, relation: Relation) => {
    const upsert = upsertOf(relations, relation, writing)
    const written = writtenSql(
      relations,
      relation,
      writing,
      upsert,
      returningSql(relation, shown, context.caller.role),
    )
    const isPut = method === 'PUT'
    const guards = guardsSql(media, method === 'POST' || isPut ? undefined : preferences.maxAffected, isPut)
    const inserted = insertedSql(upsert)
    const isHidden = shown !== 'representation'
    // Clauses of what is not embedded are refused, also where no rows are shown.
    const read =
      isHidden && query.embedded.size === 0
        ? undefined
        : readSql(relations, relation, readable(query), {
            role: context.caller.role,
            source: 'pgrst_written',
          })
    if (isHidden || read === undefined)
      return `with pgrst_source as (${written}) ${headSql(relation, shown, inserted, guards)}`
    return `with pgrst_written as (${written}),pgrst_source as (${read.page}) ${resultOf('pgrst_source', bodySql(media), inserted, guards)}`
  }
  const row = await runAgain(asking, await inCatalogue(context, table, plan))
  const isShown = shown === 'representation'
  const headers: Record<string, string> = {
    ...rangeHeader(method, Number(row[3]), preferences),
    ...(isShown ? { 'Content-Type': media.type } : {}),
    ...answeredHeaders(preferences, isShown && echoSchema),
    ...(shown === 'headers-only' && method === 'POST' && row[0] ? { Location: `/${table}?${row[0]}` } : {}),
  }
  const status = statusOf(method, isShown, row[4])
  const body = isShown ? (row[0] ?? '[]') : status === 204 ? null : ''
  return withOwn({ status, body, headers }, row)
}

/** Each round costs deadlock_timeout, a second. */
const DEADLOCK_ROUNDS_MAX = 3

/** Deadlock: its victim was rolled back whole, so that it may be asked again. */
async function runAgain(asking: Asking, sql: string, round = 1): Promise<Row> {
  try {
    return await run(asking, sql)
  } catch (error) {
    if (round === DEADLOCK_ROUNDS_MAX || sqlErrorOf(error)?.code !== '40P01') throw error
    return runAgain(asking, sql, round + 1)
  }
}

function rangeHeader(method: Method, rows: number, { count }: Preferences): Record<string, string> {
  if (method === 'PUT') return {}
  const counted = count === undefined ? undefined : rows
  const range = method === 'PATCH' ? contentRange(0, rows, counted) : `*/${counted ?? '*'}`
  return { 'Content-Range': range }
}

/** An upsert says by its status whether it made a row. */
function statusOf(method: Method, isShown: boolean, inserted: string | null | undefined): number {
  if (method === 'POST') return inserted === '0' ? 200 : 201
  if (!isShown) return 204
  return method === 'PUT' && inserted !== '0' ? 201 : 200
}

interface Writing {
  readonly method: Method
  readonly query: TableQuery
  readonly preferences: Preferences
  readonly body: Written
}

function writtenSql(
  relations: Relations,
  relation: Relation,
  { method, query, body }: Writing,
  upsert: Upsert | undefined,
  returning: string,
): string {
  for (const name of body.columns) columnOf(relation, name)
  const target = targetOf(relations, relation)
  switch (method) {
    case 'POST':
    case 'PUT':
      return insertSql(relation, body, upsert, returning)
    case 'PATCH':
      return body.columns.length === 0
        ? `${returning.replace('returning', 'select')} from ${tableSql(relation)} ${identifier(relation.name)} where false`
        : updateSql(target, body, query, returning)
    case 'DELETE':
      return deleteSql(target, query, returning)
  }
}

function upsertOf(
  relations: Relations,
  relation: Relation,
  { method, query, body, preferences }: Writing,
): Upsert | undefined {
  if (method === 'PUT') {
    const where = placeSql(targetOf(relations, relation), query, body)
    return { resolution: 'merge-duplicates', onConflict: relation.primaryKey, where }
  }
  const { resolution } = preferences
  if (method !== 'POST' || resolution === undefined) return undefined
  const names = query.onConflict ?? relation.primaryKey
  for (const name of names) columnOf(relation, name)
  return { resolution, onConflict: names, where: [] }
}

/** What was written and may be read; for a bare count nothing of it, which needs no right to read. */
function returningSql(relation: Relation, shown: string, role: string): string {
  const own = identifier(relation.name)
  const readers = [...relation.columns.values()].filter((column) => column.readers.includes(role))
  const columns = readers.length > 0 ? readers : [...relation.columns.values()]
  const names = shown === 'representation' ? columns.map(({ name }) => name) : keyOf(relation, shown)
  return `returning ${names.length === 0 ? '1' : names.map((name) => `${own}.${identifier(name)}`).join(',')}`
}

function keyOf(relation: Relation, shown: string): readonly string[] {
  return shown === 'headers-only' ? relation.primaryKey : []
}

/** No rows in the answer; with `headers-only` where the one row is found. */
function headSql(relation: Relation, shown: string, inserted: string, guards: string): string {
  const key = keyOf(relation, shown)
  const pair = key.map(
    (name) => `'${encodeURIComponent(name)}=eq.'||min(pgrst_row.${identifier(name)}::text)`,
  )
  const location = pair.length === 0 ? 'null' : `case when count(*)=1 then ${pair.join("||'&'||")} end`
  return `select ${location},${GUCS},count(*),${inserted}${guards} from (select * from pgrst_source) pgrst_row`
}

/** Filters and page were the write's own; what is embedded in the answer keeps its clauses. */
function readable(query: TableQuery): TableQuery {
  return { ...query, root: { ...query.root, conditions: [], limit: undefined, offset: 0 } }
}
