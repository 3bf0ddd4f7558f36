import { literal } from '../../db/call.ts'
import type { Database } from '../../db/pool.ts'

/** One column of a relation, as far as a query needs to know it. */
export interface Column {
  readonly name: string
  /** As a cast names it. */
  readonly type: string
  readonly isNullable: boolean
  /** Its default as SQL. */
  readonly fallback: string | null
  readonly isGenerated: boolean
  /** Those of the API's roles that may select it. */
  readonly readers: readonly string[]
  readonly comment: string | null
}

/** One table or view of the exposed schema. */
export interface Relation {
  readonly name: string
  readonly kind: 'table' | 'view'
  readonly columns: ReadonlyMap<string, Column>
  /** Functions of one of its rows, which are read like columns, and are not in `*`. */
  readonly computed: ReadonlyMap<string, Pick<Column, 'name' | 'type'>>
  readonly primaryKey: readonly string[]
  readonly comment: string | null
}

export interface ForeignKey {
  readonly name: string
  readonly table: string
  readonly columns: readonly string[]
  readonly target: string
  readonly targetColumns: readonly string[]
  /** At most one row has it, as a unique key says. */
  readonly isUnique: boolean
}

export interface Relations {
  readonly tables: ReadonlyMap<string, Relation>
  readonly foreignKeys: readonly ForeignKey[]
}

/** The relations of the exposed schema and how they hang together, in one query. */
export async function readRelations(database: Database, schema: string): Promise<Relations> {
  const rows = await database.run(relationsSql(literal(schema)))
  const { tables, foreignKeys } = JSON.parse(rows[0]?.[0] ?? '{}') as Read
  return {
    tables: new Map(
      tables.map((table) => [
        table.name,
        {
          ...table,
          columns: byName(table.columns),
          computed: byName(table.computed),
        },
      ]),
    ),
    foreignKeys,
  }
}

interface Read {
  readonly tables: readonly (Omit<Relation, 'columns' | 'computed'> & {
    readonly columns: readonly Column[]
    readonly computed: readonly Pick<Column, 'name' | 'type'>[]
  })[]
  readonly foreignKeys: readonly ForeignKey[]
}

function byName<Named extends { readonly name: string }>(
  columns: readonly Named[],
): ReadonlyMap<string, Named> {
  return new Map(columns.map((column) => [column.name, column]))
}

/** Functions of one row of the relation `r`. */
const computedSql = (schema: string) => `
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', p.proname, 'type', pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null))), '[]')
        from pg_catalog.pg_proc p join pg_catalog.pg_type t on t.oid = p.prorettype
        where p.pronamespace = ${schema}::regnamespace and p.prokind = 'f' and not p.proretset and p.pronargs = 1
          and p.proargtypes[0] = r.reltype`

const relationsSql = (schema: string) => `
select set_config('search_path', '', true);
with relation as (
  select c.oid, c.relname, c.relkind, c.reltype from pg_catalog.pg_class c
  where c.relnamespace = ${schema}::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
), reader as (
  select oid, rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')
), key_columns as (
  select k.oid as key, k.contype, k.conrelid, pg_catalog.json_agg(a.attname order by u.place) as names,
    pg_catalog.array_agg(u.attnum order by u.attnum) as numbers
  from pg_catalog.pg_constraint k
  cross join lateral unnest(k.conkey) with ordinality u (attnum, place)
  join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
  where k.conrelid in (select oid from relation) and k.contype in ('p', 'u', 'f')
  group by k.oid
)
select pg_catalog.json_build_object(
  'tables', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', r.relname,
      'kind', case when r.relkind in ('v', 'm') then 'view' else 'table' end,
      'comment', pg_catalog.obj_description(r.oid, 'pg_class'),
      'primaryKey', coalesce((select k.names from key_columns k where k.conrelid = r.oid and k.contype = 'p'), '[]'),
      'computed', (${computedSql(schema)}),
      'columns', (
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', a.attname,
          'type', pg_catalog.format_type(coalesce(b.oid, t.oid), case when b.oid is null then a.atttypmod else t.typtypmod end),
          'isNullable', not (a.attnotnull or t.typnotnull),
          'fallback', (select pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d
            where d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated = ''),
          'isGenerated', a.attgenerated <> '' or a.attidentity = 'a',
          'comment', pg_catalog.col_description(a.attrelid, a.attnum),
          'readers', array(select d.rolname from reader d
            where pg_catalog.has_column_privilege(d.oid, a.attrelid, a.attnum, 'select'))) order by a.attnum), '[]')
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_type t on t.oid = a.atttypid
        left join pg_catalog.pg_type b on b.oid = nullif(t.typbasetype, 0)
        where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped))), '[]')
    from relation r),
  'foreignKeys', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', f.conname,
      'table', s.relname,
      'columns', k.names,
      'target', g.relname,
      'targetColumns', (
        select pg_catalog.json_agg(a.attname order by u.place) from unnest(f.confkey) with ordinality u (attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = f.confrelid and a.attnum = u.attnum),
      'isUnique', exists (select from key_columns q
        where q.conrelid = f.conrelid and q.contype in ('p', 'u') and q.numbers = k.numbers)) order by f.conname), '[]')
    from pg_catalog.pg_constraint f
    join key_columns k on k.key = f.oid
    join relation s on s.oid = f.conrelid
    join relation g on g.oid = f.confrelid
    where f.contype = 'f'))::text`
