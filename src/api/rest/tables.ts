import { call } from '../../db/call.ts'
import { sqlErrorOf } from '../../db/failures.ts'
import type { Row } from '../../db/pool.ts'
import type { Reply } from '../http.ts'
import { EXPOSED_SCHEMA } from './catalogue.ts'
import { RestError } from './errors.ts'
import { guardsSql, rowCountError } from './guards.ts'
import { likeliest } from './likeness.ts'
import {
  type Media,
  negotiateMedia,
  negotiateSchema,
  type Preferences,
  parsePreferences,
} from './negotiate.ts'
import { parametersOf } from './parameters.ts'
import { rangeOf } from './range.ts'
import { CSV_BODY, type ReadSql, ROWS_MAX, readSql, resultSql } from './read-sql.ts'
import type { Relation, Relations } from './relations.ts'
import { beyond, contentRange, withOwn } from './reply.ts'
import type { RestContext } from './rpc.ts'
import { requestSettings } from './settings.ts'
import { MISSING_COLUMN, SqlRefusal } from './sql-refusal.ts'
import { parseTableQuery } from './table-query.ts'

/** One request to one table. */
export interface Asking {
  readonly request: Request
  readonly table: string
  readonly context: RestContext
  readonly preferences: Preferences
  readonly readOnly: boolean
}

/** `GET` and `HEAD /rest/v1/<table>`: reads as PostgREST does, in one round trip; RLS decides what is seen. */
export async function handleRead(request: Request, table: string, context: RestContext): Promise<Reply> {
  const echoSchema = negotiateSchema(request)
  const media = negotiateMedia(request.headers.get('accept'))
  const preferences = parsePreferences(request.headers.get('prefer'), 'GET')
  const query = parseTableQuery(parametersOf(request))
  const range = rangeOf(request, query.root)
  const asking: Asking = { request, table, context, preferences, readOnly: true }
  const read = await inCatalogue(context, table, (relations, relation) =>
    readSql(relations, relation, query, { role: context.caller.role, ...range }),
  )
  const sql = resultSql(read.page, bodySql(media), totalSql(read, preferences), guardsSql(media, undefined))
  const row = await run(asking, sql)
  const total = await totalOf(asking, read, row)
  if (total !== undefined && range.offset > total) throw beyond(range.offset, total)
  const rows = Number(row[3])
  const status = total !== undefined && rows < total ? 206 : 200
  const body = request.method === 'HEAD' ? null : (row[0] ?? null)
  const headers = {
    'Content-Type': media.type,
    'Content-Range': contentRange(range.offset, rows, total),
    ...answeredHeaders(preferences, echoSchema),
  }
  return withOwn({ status, body, headers }, row)
}

/** What the table allows. */
export async function describeTable(table: string, context: RestContext): Promise<Reply> {
  const kind = await inCatalogue(context, table, (_, relation) => relation.kind)
  const methods = kind === 'table' ? 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE' : 'OPTIONS,GET,HEAD'
  return { status: 200, body: '', headers: { Allow: methods } }
}

export function answeredHeaders({ applied }: Preferences, echoSchema: boolean): Record<string, string> {
  return {
    ...(applied === '' ? {} : { 'Preference-Applied': applied }),
    ...(echoSchema ? { 'Content-Profile': EXPOSED_SCHEMA } : {}),
  }
}

/** What `plan` makes of the table as the catalogue has it; where something is missing, as a fresh look has it. */
export async function inCatalogue<Plan>(
  { catalogue }: RestContext,
  table: string,
  plan: (relations: Relations, relation: Relation) => Plan,
): Promise<Plan> {
  const attempt = async () => {
    const relations = await catalogue.relations()
    const relation = relations.tables.get(table)
    if (relation === undefined) throw noTable(table, relations)
    return plan(relations, relation)
  }
  try {
    return await attempt()
  } catch (error) {
    const isMissing = (error instanceof SqlRefusal || error instanceof RestError) && MISSES.has(error.code)
    if (!isMissing || !(await catalogue.reload())) throw error
    return attempt()
  }
}

const MISSES: ReadonlySet<string> = new Set(['PGRST200', 'PGRST204', 'PGRST205', MISSING_COLUMN])

function noTable(name: string, relations: Relations): RestError {
  const near = likeliest(name, relations.tables.keys())
  return new RestError(
    'PGRST205',
    `Could not find the table '${EXPOSED_SCHEMA}.${name}' in the schema cache`,
    null,
    near === undefined ? null : `Perhaps you meant the table '${EXPOSED_SCHEMA}.${near}'`,
  )
}

/** The answer's body, from the rows called pgrst_row. */
export function bodySql({ csv, single, strip }: Media): string {
  if (csv) return CSV_BODY
  const list = strip ? 'json_strip_nulls(json_agg(pgrst_row))' : 'json_agg(pgrst_row)'
  return single ? `coalesce((${list}->0)::text,'null')` : `coalesce(${list}::text,'[]')`
}

/** All rows, where that was asked; an estimate counts no further than a page. */
function totalSql({ all }: ReadSql, { count }: Preferences): string {
  switch (count) {
    case 'exact':
      return `(select count(*) ${all})`
    case 'estimated':
      return `(select count(*) from (select 1 ${all} limit ${ROWS_MAX + 1}) pgrst_all)`
    default:
      return 'null'
  }
}

/** The planner's number, where that was asked or more rows than a page would have to be counted. */
async function totalOf(asking: Asking, { all }: ReadSql, row: Row): Promise<number | undefined> {
  const { count } = asking.preferences
  const counted = row[4] === null || row[4] === undefined ? undefined : Number(row[4])
  if (count !== 'planned' && !(count === 'estimated' && counted !== undefined && counted > ROWS_MAX))
    return counted
  const [text] = await run(asking, `explain (format json) select 1 ${all}`)
  const [plan] = JSON.parse(text ?? '[]') as readonly { readonly Plan: { readonly 'Plan Rows': number } }[]
  const planned = plan?.Plan['Plan Rows'] ?? 0
  return Math.max(planned, counted ?? Number(row[3]))
}

/** Runs the one statement as the caller. */
export async function run(asking: Asking, sql: string): Promise<Row> {
  const { request, table, context, preferences, readOnly } = asking
  const settings = requestSettings(request, `/${table}`, preferences)
  try {
    const rows = await call(context.database, { caller: context.caller, sql, readOnly, settings })
    return rows[0] ?? []
  } catch (error) {
    const sqlError = sqlErrorOf(error)
    // The table may have been changed: look again before the next request.
    if (sqlError !== undefined && CHANGED.has(sqlError.code)) await context.catalogue.reload()
    throw (sqlError && rowCountError(sqlError.message)) ?? error
  }
}

const CHANGED: ReadonlySet<string> = new Set(['42P01', '42703'])
