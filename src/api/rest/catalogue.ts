import { DatabaseError } from '../../db/failures.ts'
import type { Database, Setting } from '../../db/pool.ts'
import { RestError } from './errors.ts'
import { type Relations, readRelations } from './relations.ts'

/** The one schema that callers may name. */
export const EXPOSED_SCHEMA = 'public'

/** A miss reads the catalogue again, but not more often than this. */
const RELOAD_MS_MIN = 250

export interface Parameter {
  /** Empty for an unnamed one. */
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly variadic: boolean
}

/** One function of the exposed schema, as far as a call needs to know it. */
export interface Routine {
  readonly name: string
  readonly parameters: readonly Parameter[]
  readonly returns: 'void' | 'json' | 'scalar' | 'composite'
  readonly set: boolean
  /** Of the rows; a value without a name is called pgrst_scalar. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** The table of the exposed schema whose rows it gives. */
  readonly rowsOf: string | null
  /** May write; all others run read only. */
  readonly volatile: boolean
  readonly isolation: string | null
  /** Settings of the function that must be set before it starts to have any effect. */
  readonly settings: readonly Setting[]
}

export interface Catalogue {
  /** All functions of a name, none included; reads the catalogue first where it was never read. */
  overloads(name: string): Promise<readonly Routine[]>
  names(): readonly string[]
  relations(): Promise<Relations>
  /** Reads it again unless that was done a moment ago; true when it was. */
  reload(): Promise<boolean>
}

/** The functions and relations of the exposed schema, read once and again when a request does not fit. */
export function openCatalogue(database: Database): Catalogue {
  let read: Read | undefined
  let loading: Promise<Read> | undefined
  let loadedAtMs = Number.NEGATIVE_INFINITY

  const load = () => {
    loading ??= readCatalogue(database)
      .then((fresh) => {
        loadedAtMs = performance.now()
        read = fresh
        return fresh
      })
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  return {
    overloads: async (name) => (read ?? (await load())).routines.get(name) ?? [],
    names: () => [...(read?.routines.keys() ?? [])],
    relations: async () => (read ?? (await load())).relations,
    reload: async () => {
      if (performance.now() - loadedAtMs < RELOAD_MS_MIN) return false
      await load()
      return true
    },
  }
}

interface Read {
  readonly routines: ReadonlyMap<string, readonly Routine[]>
  readonly relations: Relations
}

async function readCatalogue(database: Database): Promise<Read> {
  try {
    await database.refresh()
    const rows = await database.run(ROUTINES)
    const routines = JSON.parse(rows[0]?.[0] ?? '[]') as readonly Routine[]
    const relations = await readRelations(database, EXPOSED_SCHEMA)
    return { routines: Map.groupBy(routines, ({ name }) => name), relations }
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'POOL_EXHAUSTED') throw error
    if (!(error instanceof DatabaseError)) throw error
    throw new RestError('PGRST002', 'Could not query the database for the schema cache. Retrying.')
  }
}

/**
 * Type names come out qualified, because the search path is empty. Domains count as what they are made of; OUT and
 * TABLE columns make a composite; bit and character lose their length, as in a declaration they would mean one.
 */
const ROUTINES = `
select set_config('search_path', '', true);
with recursive base_types (type, base) as (
  select t.oid, t.oid from pg_catalog.pg_type t where t.typbasetype = 0
  union all
  select t.oid, b.base from pg_catalog.pg_type t join base_types b on t.typbasetype = b.type
)
select pg_catalog.json_agg(pg_catalog.json_build_object(
  'name', p.proname,
  'parameters', coalesce(a.parameters, '[]'),
  'returns', case
    when r.typtype = 'c' or p.proargmodes::text[] && '{t,b,o}' then 'composite'
    when r.oid = 'void'::regtype then 'void'
    when r.oid in ('json'::regtype, 'jsonb'::regtype) then 'json'
    else 'scalar' end,
  'set', p.proretset,
  'columns', coalesce(o.columns, pg_catalog.json_build_array(pg_catalog.json_build_object(
    'name', 'pgrst_scalar', 'type', pg_catalog.format_type(r.oid, null)))),
  'rowsOf', (select c.relname from pg_catalog.pg_class c where c.oid = r.typrelid
    and c.relnamespace = p.pronamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')),
  'volatile', p.provolatile = 'v',
  'isolation', s.isolation,
  'settings', coalesce(s.hoisted, '[]')))::text
from pg_catalog.pg_proc p
join base_types b on b.type = p.prorettype
join pg_catalog.pg_type r on r.oid = b.base
cross join lateral (
  select
    pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', i.name,
      'type', case i.type
        when 'bit'::regtype then 'bit varying' when 'bit[]'::regtype then 'bit varying[]'
        when 'character'::regtype then 'character varying' when 'character[]'::regtype then 'character varying[]'
        else i.type::regtype::text end,
      'required', i.place <= p.pronargs - p.pronargdefaults,
      'variadic', i.mode = 'v') order by i.place) as parameters,
    count(*) filter (where i.name = '') as unnamed,
    count(*) as total,
    bool_or(i.type in ('json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype, 'bytea'::regtype)) as takes_body
  from (
    select coalesce(u.name, '') as name, u.type, coalesce(u.mode, 'i') as mode,
      row_number() over (order by u.place) as place
    from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
      with ordinality as u (type, name, mode, place)
    where u.type is not null and coalesce(u.mode, 'i') in ('i', 'b', 'v')
  ) i
) a
cross join lateral (
  select
    max(lower(substr(c.setting, strpos(c.setting, '=') + 1)))
      filter (where c.setting like 'default_transaction_isolation=%') as isolation,
    pg_catalog.json_agg(pg_catalog.json_build_array(
      split_part(c.setting, '=', 1), substr(c.setting, strpos(c.setting, '=') + 1)))
      filter (where c.setting like 'statement_timeout=%' or c.setting like 'plan_filter.statement_cost_limit=%') as hoisted
  from unnest(p.proconfig) as c (setting)
) s
cross join lateral (
  select pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', c.name, 'type', pg_catalog.format_type(coalesce(b.base, c.type), null)) order by c.place) as columns
  from (
    select u.name, u.type, u.place
    from unnest(p.proallargtypes, p.proargnames, p.proargmodes) with ordinality as u (type, name, mode, place)
    where r.typtype <> 'c' and u.mode in ('t', 'b', 'o')
    union all
    select a.attname::text, a.atttypid, a.attnum from pg_catalog.pg_attribute a
    where r.typtype = 'c' and a.attrelid = r.typrelid and a.attnum > 0 and not a.attisdropped
  ) c left join base_types b on b.type = c.type
) o
where p.pronamespace = '${EXPOSED_SCHEMA}'::regnamespace
  and p.prokind = 'f'
  and r.oid not in ('trigger'::regtype, 'event_trigger'::regtype)
  and (a.unnamed = 0 or (a.total = 1 and a.takes_body))`
