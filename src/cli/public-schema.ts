import type pg from 'pg'

/** What a schema has that clients can name, as the catalogue says. Lists are in the order of their names. */
export interface PublicSchema {
  readonly relations: readonly Relation[]
  readonly functions: readonly SqlFunction[]
  readonly types: readonly SqlType[]
}

export interface Relation {
  readonly name: string
  readonly isTable: boolean
  /** Of a view; a table is both. */
  readonly insertable: boolean
  readonly updatable: boolean
  readonly columns: readonly Column[]
  readonly relationships: readonly Relationship[]
}

export interface Column {
  readonly name: string
  readonly type: number
  readonly nullable: boolean
  /** One of its own, or a trigger that fills it where it is null. */
  readonly hasDefault: boolean
  /** Nobody writes it: generated, or an identity that is always drawn. */
  readonly drawn: boolean
}

interface Relationship {
  readonly name: string
  readonly columns: readonly string[]
  readonly isOneToOne: boolean
  readonly relation: string
  readonly referencedColumns: readonly string[]
}

export interface SqlFunction {
  readonly name: string
  readonly args: readonly { readonly name: string; readonly type: number; readonly hasDefault: boolean }[]
  readonly returns: number
  readonly isSet: boolean
  /** Of a function that returns a table. */
  readonly columns: readonly { readonly name: string; readonly type: number }[]
}

export interface SqlType {
  readonly id: number
  readonly schema: string
  readonly name: string
  readonly kind: 'base' | 'enum' | 'domain' | 'composite' | 'pseudo' | 'range' | 'multirange'
  /** Of an array; 0 where it is none. */
  readonly element: number
  /** Of a domain. */
  readonly base: number
  readonly labels: readonly string[]
  /** Of a composite. */
  readonly relation: string | null
}

/** Reads all of it in one statement. What an extension brought is left out. */
export async function readPublicSchema(client: pg.Client, schema: string): Promise<PublicSchema> {
  const { rows } = await client.query<{ found: PublicSchema }>(CATALOGUE, [schema])
  const [row] = rows
  if (row === undefined) throw new Error('the catalogue gave no row')
  return row.found
}

const CATALOGUE = `
with relation as (
  select c.oid, c.relname as name, c.relkind in ('r', 'p', 'f') as is_table,
    pg_relation_is_updatable(c.oid, false) as writes
  from pg_class c where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), routine as (
  select p.* from pg_proc p where p.pronamespace = to_regnamespace($1) and p.prokind = 'f'
    and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
)
select json_build_object(
  'relations', (select coalesce(json_agg(json_build_object(
      'name', r.name, 'isTable', r.is_table,
      'insertable', r.is_table or r.writes & 8 > 0, 'updatable', r.is_table or r.writes & 4 > 0,
      'columns', (select coalesce(json_agg(json_build_object(
          'name', a.attname, 'type', a.atttypid::bigint, 'nullable', not (a.attnotnull or t.typnotnull),
          'hasDefault', a.atthasdef or a.attidentity <> '' or t.typdefault is not null or exists (
            select from pg_trigger g where g.tgrelid = r.oid
              and pg_get_triggerdef(g.oid) ~ ('BEFORE INSERT .*WHEN \\(\\(new\\.' || a.attname || ' IS NULL\\)\\)')),
          'drawn', a.attgenerated <> '' or a.attidentity = 'a') order by a.attname), '[]')
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped),
      'relationships', (select coalesce(json_agg(json_build_object(
          'name', k.conname, 'relation', f.relname,
          'columns', (select json_agg(a.attname order by n.at) from unnest(k.conkey) with ordinality n (attnum, at)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.attnum),
          'referencedColumns', (select json_agg(a.attname order by n.at) from unnest(k.confkey) with ordinality n (attnum, at)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n.attnum),
          'isOneToOne', exists (select from pg_index i where i.indrelid = k.conrelid and i.indisunique and i.indpred is null
            and i.indexprs is null and (i.indkey::int2[])[0:i.indnkeyatts - 1] <@ k.conkey)) order by k.conname), '[]')
        from pg_constraint k join pg_class f on f.oid = k.confrelid
        where k.conrelid = r.oid and k.contype = 'f' and k.conparentid = 0 and f.relnamespace = to_regnamespace($1))
    ) order by r.name), '[]') from relation r),
  'functions', (select coalesce(json_agg(json_build_object(
      'name', p.proname, 'returns', p.prorettype::bigint, 'isSet', p.proretset,
      'args', (select coalesce(json_agg(json_build_object('name', coalesce(p.proargnames[n.at], ''), 'type', n.type::bigint,
          'hasDefault', n.input > p.pronargs - p.pronargdefaults) order by n.at), '[]')
        from (select u.type, u.at, row_number() over (order by u.at) as input
          from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality u (type, at)
          where coalesce(p.proargmodes[u.at], 'i') in ('i', 'b', 'v')) n),
      'columns', (select coalesce(json_agg(json_build_object('name', p.proargnames[u.at], 'type', u.type::bigint) order by u.at), '[]')
        from unnest(p.proallargtypes) with ordinality u (type, at) where p.proargmodes[u.at] in ('t', 'o', 'b'))
    ) order by p.proname, p.oid), '[]') from routine p),
  'types', (select json_agg(json_build_object('id', t.oid::bigint, 'schema', n.nspname, 'name', t.typname,
      'kind', case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite' when 'p' then 'pseudo'
        when 'r' then 'range' when 'm' then 'multirange' else 'base' end,
      'element', case when t.typcategory = 'A' then t.typelem::bigint else 0 end, 'base', t.typbasetype::bigint,
      'labels', (select coalesce(json_agg(e.enumlabel order by e.enumsortorder), '[]') from pg_enum e where e.enumtypid = t.oid),
      'relation', (select c.relname from pg_class c where c.oid = t.typrelid)) order by t.typname)
    from pg_type t join pg_namespace n on n.oid = t.typnamespace)
) as found`
