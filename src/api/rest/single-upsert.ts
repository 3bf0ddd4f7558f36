import { conditionSql } from './condition-sql.ts'
import { RestError } from './errors.ts'
import type { Filter } from './filter.ts'
import type { TableQuery } from './table-query.ts'
import type { Target } from './write-sql.ts'
import type { Written } from './written.ts'

/** What the row that a `PUT` makes must be: the one that the filters name by its primary key. */
export function placeSql(scope: Target, { root }: TableQuery, { columns }: Written): readonly string[] {
  if (root.limit !== undefined || root.offset !== 0) {
    throw new RestError('PGRST114', 'limit/offset querystring parameters are not allowed for PUT')
  }
  const { primaryKey } = scope.relation
  const named = root.conditions.flatMap((one) =>
    one.kind === 'filter' && isPlain(one) ? [one.field.name] : [],
  )
  const isKey = named.length === root.conditions.length && named.length === primaryKey.length
  if (!isKey || primaryKey.length === 0 || !primaryKey.every((name) => named.includes(name))) {
    throw new RestError(
      'PGRST105',
      "Filters must include all and only primary key columns with 'eq' operators",
    )
  }
  if (!primaryKey.every((name) => columns.includes(name))) throw elsewhere()
  return root.conditions.map((one) => conditionSql({ ...scope, alias: 'pgrst_body' }, one))
}

function isPlain({ field, negated, test }: Filter): boolean {
  return !negated && field.arrows.length === 0 && test.op === 'eq' && test.quantifier === undefined
}

/** The body names another row than the address. */
export function elsewhere(): RestError {
  return new RestError('PGRST115', 'Payload values do not match URL in primary key column(s)')
}
