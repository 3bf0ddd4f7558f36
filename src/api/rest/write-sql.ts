import { identifier, literal } from '../../db/call.ts'
import { columnSql, conditionSql } from './condition-sql.ts'
import { RestError } from './errors.ts'
import { orderSql } from './order-sql.ts'
import { pageSql, tableSql } from './read-sql.ts'
import type { Column, Relation, Relations } from './relations.ts'
import type { Scope } from './scope.ts'
import { SqlRefusal } from './sql-refusal.ts'
import type { TableQuery } from './table-query.ts'
import type { Written } from './written.ts'

export interface Upsert {
  readonly resolution: 'merge-duplicates' | 'ignore-duplicates'
  readonly onConflict: readonly string[]
  /** Conditions of each row of the body. */
  readonly where: readonly string[]
}

/** Rows with these columns come back under the table's own name. */
export function insertSql(
  relation: Relation,
  body: Written,
  upsert: Upsert | undefined,
  returning: string,
): string {
  const names = body.columns.map(identifier).join(',')
  const conflict = upsert === undefined ? '' : conflictSql(body, upsert)
  const where = [...(upsert?.where ?? []), ...(conflict.endsWith(COUNT_DOWN) ? [COUNT_UP] : [])]
  const chosen = where.length === 0 ? '' : ` where ${where.join(' and ')}`
  const rows =
    names === '' ? emptyRows(body) : `(${names}) select ${names} from ${bodySql(relation, body)}${chosen}`
  return `insert into ${tableSql(relation)} ${rows}${conflict} ${returning}`
}

/** How many rows an upsert made that were not there: counted for each that it tries, and back for each that it finds. */
const INSERTED = `nullif(current_setting('pgrst.inserted',true),'')`
const counting = (by: string) =>
  `set_config('pgrst.inserted',(coalesce(${INSERTED}::int,0)${by})::text,true) is not null`
const COUNT_UP = counting('+1')
const COUNT_DOWN = counting('-1')

/** That number, after the statement; null where none was counted. */
export function insertedSql(upsert: Upsert | undefined): string {
  return upsert?.resolution === 'merge-duplicates' ? INSERTED : 'null'
}

/** As many rows of defaults as the body has objects without a key; more than one at a time PostgreSQL does not make. */
function emptyRows({ text, isArray }: Written): string {
  const count = isArray ? (JSON.parse(text) as readonly unknown[]).length : 1
  if (count > 1) throw new RestError('PGRST102', 'Several rows need a column: name one')
  return count === 1 ? 'default values' : 'select where false'
}

function bodySql(relation: Relation, { text, isArray, columns, missing }: Written): string {
  const types = columns.map((name) => `${identifier(name)} ${columnOf(relation, name).type}`).join(',')
  const whole = isArray ? literal(text) : literal(`[${text}]`)
  if (missing === 'null') return `json_to_recordset(${whole}) as pgrst_body(${types})`
  const defaults = columns
    .map((name) => columnOf(relation, name))
    .flatMap(({ name, fallback }) => (fallback === null ? [] : [`${literal(name)},${fallback}`]))
  const filled = `select jsonb_build_object(${defaults.join(',')})||elem from jsonb_array_elements(${whole}) elem`
  return `jsonb_to_recordset((select coalesce(jsonb_agg(f.v),'[]') from (${filled}) f(v))) as pgrst_body(${types})`
}

function conflictSql({ columns }: Written, { resolution, onConflict }: Upsert): string {
  if (onConflict.length === 0) return ''
  const set = columns.map((name) => `${identifier(name)}=excluded.${identifier(name)}`).join(',')
  const target = `(${onConflict.map(identifier).join(',')})`
  const merges = resolution === 'merge-duplicates' && set !== ''
  return ` on conflict${target} do ${merges ? `update set ${set} where ${COUNT_DOWN}` : 'nothing'}`
}

export function updateSql(scope: Target, body: Written, query: TableQuery, returning: string): string {
  const { relation } = scope
  const set = body.columns.map((name) => `${identifier(name)}=pgrst_body.${identifier(name)}`).join(',')
  const from = bodySql(relation, body)
  const own = identifier(relation.name)
  return `update ${tableSql(relation)} ${own} set ${set} from ${from} where ${whichSql('UPDATE', scope, query)} ${returning}`
}

export function deleteSql(scope: Target, query: TableQuery, returning: string): string {
  const own = identifier(scope.relation.name)
  return `delete from ${tableSql(scope.relation)} ${own} where ${whichSql('DELETE', scope, query)} ${returning}`
}

export interface Target extends Scope {
  readonly relation: Relation
}

export function targetOf(relations: Relations, relation: Relation): Target {
  return { relation, relations, alias: relation.name, exists: () => undefined }
}

/** Supabase loads safeupdate: what would change every row is refused. */
function whichSql(verb: 'UPDATE' | 'DELETE', scope: Target, { root }: TableQuery): string {
  if (root.conditions.length === 0) throw new SqlRefusal('21000', `${verb} requires a WHERE clause`)
  const conditions = root.conditions.map((one) => conditionSql(scope, one)).join(' and ')
  const { limit, offset, order } = root
  if (limit === undefined && offset === 0) return conditions
  const { relation } = scope
  if (order.length === 0) {
    const hint = "Apply an 'order' using unique column(s)"
    throw new RestError('PGRST109', "A 'limit' was applied without an explicit 'order'", null, hint)
  }
  const own = identifier(relation.name)
  const key = relation.primaryKey.map((name) => `${own}.${identifier(name)}`).join(',')
  const rows = `select ${key} from ${tableSql(relation)} ${own} where ${conditions}${orderSql(order, ({ field }) => columnSql(scope, field))}`
  return `(${key}) in (${rows}${pageSql(limit, offset)})`
}

/** A body's column must be one of the table. */
export function columnOf(relation: Relation, name: string): Column {
  const column = relation.columns.get(name)
  if (column !== undefined) return column
  throw new RestError(
    'PGRST204',
    `Could not find the '${name}' column of '${relation.name}' in the schema cache`,
  )
}
