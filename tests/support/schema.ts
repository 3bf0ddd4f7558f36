import type { TestDatabase } from './database.ts'

/**
 * The installed schema as sorted text that reads the same on every PostgreSQL: each table with its columns, constraints,
 * indexes, triggers, policies and rights, each function with its signature, security, settings and rights. Bodies are not in it.
 */
export async function schemaOf(db: Pick<TestDatabase, 'rows'>): Promise<string> {
  const heads = new Map<string, string[]>()
  for (const sql of LINES) {
    const lines = await db.rows<Line>(sql, sql.includes('$1') ? [ROLES] : [])
    for (const { head, line } of lines.toSorted(byPosition))
      heads.set(head, [...(heads.get(head) ?? []), line.replaceAll(/\s+/g, ' ')])
  }
  const blocks = [...heads].map(([head, lines]) => [head, ...lines.map((line) => `  ${line}`)].join('\n'))
  return `${blocks.sort().join('\n\n')}\n`
}

interface Line {
  readonly head: string
  readonly line: string
  /** Its place among those of its kind, where that means something. */
  readonly position?: number
}

function byPosition(a: Line, b: Line): number {
  return (a.position ?? 0) - (b.position ?? 0) || (a.line < b.line ? -1 : 1)
}

const ROLES = ['anon', 'authenticated', 'service_role', 'public']

const OURS = `('public'::regnamespace, 'ticketing'::regnamespace, to_regnamespace('auth'))`

const RELATION = `case c.relkind when 'v' then 'view ' when 'r' then 'table ' else c.relkind::text || ' ' end || n.nspname || '.' || c.relname`

const RELATIONS = `pg_class c join pg_namespace n on n.oid = c.relnamespace
  and c.relkind in ('r', 'v', 'm', 'p', 'S') and c.relnamespace in ${OURS}`

/** One query a kind of line, in the order in which a block shows the kinds. */
const LINES: readonly string[] = [
  `select ${RELATION} as head, 'with ' || concat_ws(', ', case when c.relrowsecurity then 'row level security' end,
      case when c.relpersistence <> 'p' then 'persistence ' || c.relpersistence::text end, array_to_string(c.reloptions, ', ')) as line
    from ${RELATIONS} where c.relrowsecurity or c.relpersistence <> 'p' or c.reloptions is not null`,
  `select ${RELATION} as head, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
      case a.attgenerated when 's' then 'generated as' else case when a.atthasdef then 'default' end end,
      pg_get_expr(d.adbin, d.adrelid)) as line, a.attnum as position
    from ${RELATIONS} join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum`,
  // Since PostgreSQL 18 a column that is not null has a constraint.
  `select ${RELATION} as head, concat_ws(' ', 'constraint', k.conname, pg_get_constraintdef(k.oid)) as line
    from ${RELATIONS} join pg_constraint k on k.conrelid = c.oid and k.contype not in ('n', 't')`,
  `select ${RELATION} as head, pg_get_indexdef(i.indexrelid) as line from ${RELATIONS} join pg_index i on i.indrelid = c.oid
    where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))`,
  `select ${RELATION} as head, case t.tgenabled when 'O' then '' else t.tgenabled::text || ' ' end || pg_get_triggerdef(t.oid) as line
    from ${RELATIONS} join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal`,
  `select ${RELATION} as head, concat_ws(' ', 'policy', p.policyname, lower(p.permissive), 'for', lower(p.cmd), 'to',
      array_to_string(p.roles, ', '), 'using (' || p.qual || ')', 'with check (' || p.with_check || ')') as line
    from ${RELATIONS} join pg_policies p on p.schemaname = n.nspname and p.tablename = c.relname`,
  `select ${RELATION} as head, concat_ws(' ', 'grant', g.privileges, 'to', r.role) as line
    from ${RELATIONS} cross join unnest($1::text[]) as r(role) cross join lateral (
      select string_agg(p.privilege || coalesce(' (' || w.columns || ')', ''), ', ' order by p.privilege) as privileges
      from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as p(privilege)
      cross join lateral (
        select case when not has_table_privilege(r.role, c.oid, p.privilege) then (
          select string_agg(a.attname, ', ' order by a.attname collate "C") from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            and p.privilege in ('select', 'insert', 'update', 'references')
            and has_column_privilege(r.role, c.oid, a.attnum, p.privilege)) end as columns) w
      where w.columns is not null or has_table_privilege(r.role, c.oid, p.privilege)) g
    where g.privileges is not null`,
  `select 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_arguments(p.oid) || ') returns ' || pg_get_function_result(p.oid)
        as head, u.line, u.position::integer
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    cross join lateral unnest(array[
      concat_ws(' ', l.lanname, case p.provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end,
        case when p.prosecdef then 'security definer' end, case when p.proisstrict then 'strict' end,
        case p.proparallel when 's' then 'parallel safe' end, 'set ' || array_to_string(p.proconfig, '; ')),
      'grant execute to ' || (select string_agg(r.role, ', ' order by r.role) from unnest($1::text[]) as r(role)
        where has_function_privilege(r.role, p.oid, 'execute'))]) with ordinality as u(line, position)
    where p.pronamespace in ${OURS} and u.line is not null`,
  `select 'domain ' || t.oid::regtype as head, concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
      (select string_agg(pg_get_constraintdef(k.oid), ' ' order by k.conname) from pg_constraint k
       where k.contypid = t.oid and k.contype = 'c')) as line
    from pg_type t where t.typtype = 'd' and t.typnamespace in ${OURS}`,
  `select 'schema ' || n.nspname as head, concat_ws(' ', 'grant', p.privilege, 'to', r.role) as line
    from pg_namespace n, unnest(array['usage', 'create']) as p(privilege), unnest($1::text[]) as r(role)
    where n.oid in ${OURS} and has_schema_privilege(r.role, n.oid, p.privilege)`,
]
