import { identifier, literal } from '../../db/call.ts'
import { CALL } from './call-result.ts'
import { EXPOSED_SCHEMA, type Parameter, type Routine } from './catalogue.ts'
import { guardsSql } from './guards.ts'
import type { Media } from './negotiate.ts'
import type { Payload } from './payload.ts'
import { CSV_BODY, GUCS, pageSql, type ReadSql } from './read-sql.ts'

/** What shapes the statement beside the function and its arguments. */
export interface Shape {
  readonly media: Media
  readonly limit: number | undefined
  readonly offset: number
  readonly counted: boolean
  readonly maxAffected: number | undefined
  /** Where more than a page of the rows as they are is asked for. */
  readonly read: ReadSql | undefined
}

/**
 * The statement that calls `routine`. Its one row: body, response.headers, response.status, rows of this page, rows
 * in all (null when nobody asked).
 */
export function callStatement(routine: Routine, payload: Payload, whole: boolean, shape: Shape): string {
  const { source, args } = argumentsOf(routine, payload, whole)
  const called = `${EXPOSED_SCHEMA}.${identifier(routine.name)}(${args})`
  const from = (item: string) => (source === '' ? `from ${item}` : `from ${source}, lateral ${item}`)
  if (routine.returns === 'composite') {
    return aggregated(routine, `select pgrst_call.* ${from(`${called} pgrst_call`)}`, 'pgrst_row', shape)
  }
  const isTable = shape.read !== undefined || shape.media.csv
  if (routine.set || (isTable && routine.returns !== 'void')) {
    const item = `(select ${called} as pgrst_scalar) pgrst_call`
    return aggregated(
      routine,
      `select pgrst_call.pgrst_scalar ${from(item)}`,
      'pgrst_row.pgrst_scalar',
      shape,
    )
  }
  const one = source === '' ? '' : ` from ${source}`
  return `select ${scalarBody(routine, called, shape.media)},${GUCS},1,${shape.counted ? '1' : 'null'}${one}`
}

function scalarBody({ returns }: Routine, called: string, { strip }: Media): string {
  if (returns === 'void') return called
  if (strip) return `coalesce(json_strip_nulls(to_json(${called}))::text,'null')`
  return returns === 'json' ? `coalesce(${called}::text,'null')` : `coalesce(to_json(${called})::text,'null')`
}

/** The function runs once, however often its rows are looked at. */
function aggregated(routine: Routine, rows: string, item: string, shape: Shape): string {
  const { media, limit, offset, counted, maxAffected, read } = shape
  const counting = read === undefined ? 'from pgrst_source' : read.all
  const total = counted ? `(select count(*) ${counting})` : 'null'
  const guards = guardsSql({ single: media.single && routine.set }, maxAffected)
  const columns = `${rowsBody(routine, item, media)},${GUCS},count(*),${total}${guards}`
  if (read !== undefined) {
    return `with ${CALL} as materialized (${rows}),pgrst_source as (${read.page}) select ${columns} from pgrst_source pgrst_row`
  }
  const page = pageSql(limit, offset)
  return `with pgrst_source as (${rows}) select ${columns} from (select * from pgrst_source${page}) pgrst_row`
}

function rowsBody({ set }: Routine, item: string, { csv, single, strip }: Media): string {
  if (csv) return CSV_BODY
  const list = strip ? `json_strip_nulls(json_agg(${item}))` : `json_agg(${item})`
  return single || !set ? `coalesce((${list}->0)::text,'null')` : `coalesce(${list}::text,'[]')`
}

function argumentsOf(routine: Routine, payload: Payload, whole: boolean): { source: string; args: string } {
  const [only] = routine.parameters
  if (whole && only !== undefined && payload.kind !== 'direct') {
    return { source: '', args: `${literal(payload.text)}::${only.type}` }
  }
  if (payload.kind === 'raw' || payload.keys.length === 0) return { source: '', args: '' }
  const given = routine.parameters.filter(({ name }) => payload.keys.includes(name))
  if (payload.kind === 'direct') {
    return { source: '', args: given.map((parameter) => directArgument(parameter, payload.values)).join(',') }
  }
  const columns = given.map(({ name, type }) => `${identifier(name)} ${type}`).join(',')
  const args = given
    .map((parameter) => `${named(parameter)}pgrst_body.${identifier(parameter.name)}`)
    .join(',')
  const text = literal(payload.text)
  const source = payload.array
    ? `(select * from json_to_recordset(${text}) as _(${columns}) limit 1) pgrst_body`
    : `json_to_record(${text}) as pgrst_body(${columns})`
  return { source, args }
}

function directArgument(parameter: Parameter, values: ReadonlyMap<string, readonly string[]>): string {
  const given = values.get(parameter.name) ?? []
  const value =
    parameter.variadic && !(given.length === 1 && given[0]?.startsWith('{'))
      ? `array[${given.map(literal).join(',')}]`
      : literal(given.at(-1) ?? '')
  return `${named(parameter)}${value}::${parameter.type}`
}

function named({ name, variadic }: Parameter): string {
  return `${variadic ? 'variadic ' : ''}${identifier(name)}:=`
}
