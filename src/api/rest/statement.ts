import { identifier, literal } from '../../db/call.ts'
import { EXPOSED_SCHEMA, type Parameter, type Routine } from './catalogue.ts'
import type { Media } from './negotiate.ts'
import type { Payload } from './payload.ts'

/** What shapes the statement beside the function and its arguments. */
export interface Shape {
  readonly media: Media
  readonly limit: number | undefined
  readonly offset: number
  readonly counted: boolean
  readonly maxAffected: number | undefined
  /** Begins the text of the error by which a statement rolls itself back when too many rows came. */
  readonly nonce: string
}

/** Rollbacks that the statement itself orders, recognised by the letter behind the nonce. */
export const NOT_SINGLE = 's'
export const TOO_MANY = 'm'

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
  if (routine.set) {
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

const GUCS =
  "nullif(current_setting('response.headers',true),''),nullif(current_setting('response.status',true),'')"

function scalarBody({ returns }: Routine, called: string, { strip }: Media): string {
  if (returns === 'void') return called
  if (strip) return `coalesce(json_strip_nulls(to_json(${called}))::text,'null')`
  return returns === 'json' ? `coalesce(${called}::text,'null')` : `coalesce(to_json(${called})::text,'null')`
}

/** The function runs once, however often its rows are looked at. */
function aggregated(routine: Routine, rows: string, item: string, shape: Shape): string {
  const { media, limit, offset, counted } = shape
  const one = media.single || !routine.set
  const list = media.strip ? `json_strip_nulls(json_agg(${item}))` : `json_agg(${item})`
  const body = one ? `coalesce((${list}->0)::text,'null')` : `coalesce(${list}::text,'[]')`
  const total = counted ? '(select count(*) from pgrst_source)' : 'null'
  const page = `${limit === undefined ? '' : ` limit ${limit}`}${offset === 0 ? '' : ` offset ${offset}`}`
  const columns = `${body},${GUCS},count(*),${total}${guards(routine, shape)}`
  return `with pgrst_source as (${rows}) select ${columns} from (select * from pgrst_source${page}) pgrst_row`
}

/** Casts that fail, and so roll everything back, when there are not as many rows as asked for. */
function guards(routine: Routine, { media, maxAffected, nonce }: Shape): string {
  const guard = (broken: string, letter: string) =>
    `,case when ${broken} then (${literal(`${nonce}${letter}`)}||count(*))::int end`
  const single = media.single && routine.set ? guard('count(*)<>1', NOT_SINGLE) : ''
  return single + (maxAffected === undefined ? '' : guard(`count(*)>${maxAffected}`, TOO_MANY))
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
