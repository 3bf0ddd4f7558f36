import { call } from '../../db/call.ts'
import type { Reply } from '../http.ts'
import { EXPOSED_SCHEMA, type Parameter, type Routine } from './catalogue.ts'
import { RestError } from './errors.ts'
import { acceptedTypes, negotiateSchema } from './negotiate.ts'
import type { Column, ForeignKey, Relation } from './relations.ts'
import type { RestContext } from './rpc.ts'

/**
 * `GET /rest/v1/`: what the caller's role may use of the exposed schema, as PostgREST describes it: Swagger 2.0, from which
 * generators of types and clients read tables, columns, keys and functions.
 */
export async function describeSchema(request: Request, origin: string, context: RestContext): Promise<Reply> {
  if (request.method === 'OPTIONS') return { status: 200, body: '', headers: { Allow: 'OPTIONS,GET,HEAD' } }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new RestError('PGRST117', `Unsupported HTTP method: ${request.method}`)
  }
  const echoSchema = negotiateSchema(request)
  const type = mediaType(request.headers.get('accept'))
  const body = request.method === 'HEAD' ? null : JSON.stringify(await swagger(origin, context))
  const profile: Record<string, string> = echoSchema ? { 'Content-Profile': EXPOSED_SCHEMA } : {}
  return { status: 200, body, headers: { 'Content-Type': `${type}; charset=utf-8`, ...profile } }
}

const OPENAPI = 'application/openapi+json'

function mediaType(accept: string | null): string {
  const types = acceptedTypes(accept)
  for (const type of types) {
    if (type === OPENAPI || type === '*/*' || type === 'application/*') return OPENAPI
    if (type === 'application/json') return type
  }
  throw new RestError('PGRST107', `None of these media types are available: ${types.join(', ')}`)
}

/** Rarely asked for: both the schema and the rights of the role as they are now. */
async function swagger(origin: string, { database, catalogue, caller }: RestContext): Promise<object> {
  await catalogue.reload()
  const { tables, foreignKeys } = await catalogue.relations()
  const rows = await call(database, { caller, sql: ALLOWED, readOnly: true })
  const allowed = JSON.parse(rows[0]?.[0] ?? '{}') as Allowed
  const relations = allowed.tables.flatMap((name) => tables.get(name) ?? [])
  const names = [...new Set(allowed.routines)]
  const routines = (await Promise.all(names.map((name) => catalogue.overloads(name)))).flat()
  const { host, protocol } = new URL(origin)
  return {
    swagger: '2.0',
    info: { title: 'standard public schema', description: '', version: '' },
    host,
    basePath: '/rest/v1/',
    schemes: [protocol.slice(0, -1)],
    consumes: MEDIA,
    produces: MEDIA,
    paths: {
      '/': { get: ROOT },
      ...Object.fromEntries(relations.map((relation) => [`/${relation.name}`, tablePath(relation)])),
      ...Object.fromEntries(routines.map((routine) => [`/rpc/${routine.name}`, routinePath(routine)])),
    },
    definitions: Object.fromEntries(relations.map((it) => [it.name, definition(it, foreignKeys)])),
    parameters: { ...PARAMETERS, ...Object.fromEntries(relations.flatMap(tableParameters)) },
    securityDefinitions: {
      JWT: {
        type: 'apiKey',
        in: 'header',
        name: 'Authorization',
        description: 'Add the token prepending "Bearer " (without quotes) to it',
      },
    },
    security: [{ JWT: [] }],
  }
}

interface Allowed {
  readonly tables: readonly string[]
  readonly routines: readonly string[]
}

const ALLOWED = `
select json_build_object(
  'tables', (select coalesce(json_agg(c.relname order by c.relname), '[]') from pg_catalog.pg_class c
    where c.relnamespace = '${EXPOSED_SCHEMA}'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and (has_table_privilege(c.oid, 'select, insert, update, delete') or has_any_column_privilege(c.oid, 'select, insert, update'))),
  'routines', (select coalesce(json_agg(p.proname order by p.proname), '[]') from pg_catalog.pg_proc p
    where p.pronamespace = '${EXPOSED_SCHEMA}'::regnamespace and has_function_privilege(p.oid, 'execute')))::text`

const OBJECT = ['application/vnd.pgrst.object+json;nulls=stripped', 'application/vnd.pgrst.object+json']
const MEDIA = ['application/json', ...OBJECT, 'text/csv']

const ROOT = {
  tags: ['Introspection'],
  summary: 'OpenAPI description (this document)',
  produces: [OPENAPI, 'application/json'],
  responses: { 200: { description: 'OK' } },
}

/** As its comment says it: the first line is the summary. */
function commented(comment: string | null): object {
  if (comment === null) return {}
  const [summary = '', ...rest] = comment.split('\n')
  const description = rest.join('\n').replace(/^\n+/, '')
  return { summary, ...(description === '' ? {} : { description }) }
}

function tablePath({ name, kind, columns, comment }: Relation): object {
  const head = { tags: [name], ...commented(comment) }
  const filters = [...columns.keys()].map((column) => `rowFilter.${name}.${column}`)
  const taking = (...names: readonly string[]) => ({
    parameters: names.map((parameter) => ({ $ref: `#/parameters/${parameter}` })),
  })
  const done = (status: number, description: string) => ({ responses: { [status]: { description } } })
  const rows = { description: 'OK', schema: { type: 'array', items: { $ref: `#/definitions/${name}` } } }
  const get = {
    ...head,
    ...taking(...filters, 'select', 'order', 'range', 'rangeUnit', 'offset', 'limit', 'preferCount'),
    responses: { 200: rows, 206: { description: 'Partial Content' } },
  }
  if (kind === 'view') return { get }
  return {
    get,
    post: { ...head, ...taking(`body.${name}`, 'select', 'preferPost'), ...done(201, 'Created') },
    delete: { ...head, ...taking(...filters, 'preferReturn'), ...done(204, 'No Content') },
    patch: { ...head, ...taking(...filters, `body.${name}`, 'preferReturn'), ...done(204, 'No Content') },
  }
}

function definition({ name, columns, primaryKey, comment }: Relation, keys: readonly ForeignKey[]): object {
  const all = [...columns.values()]
  const properties = all.map((column) => [
    column.name,
    {
      ...typeOf(column.type),
      format: column.type,
      ...defaultOf(column),
      ...describedColumn(
        column.comment,
        primaryKey.includes(column.name),
        keys.find(
          ({ table, columns: from }) => table === name && from.length === 1 && from[0] === column.name,
        ),
      ),
    },
  ])
  return {
    ...(comment === null ? {} : { description: comment }),
    required: all.filter(({ isNullable }) => !isNullable).map((column) => column.name),
    properties: Object.fromEntries(properties),
    type: 'object',
  }
}

/** Generators read keys from these notes. */
function describedColumn(comment: string | null, isKey: boolean, key: ForeignKey | undefined): object {
  const target = `${key?.target}.${key?.targetColumns[0]}`
  const notes = [
    ...(isKey ? ['This is a Primary Key.<pk/>'] : []),
    ...(key === undefined
      ? []
      : [
          `This is a Foreign Key to \`${target}\`.<fk table='${key.target}' column='${key.targetColumns[0]}'/>`,
        ]),
  ]
  const parts = [
    ...(comment === null ? [] : [comment]),
    ...(notes.length === 0 ? [] : [['Note:', ...notes].join('\n')]),
  ]
  return parts.length === 0 ? {} : { description: parts.join('\n\n') }
}

/** A constant as itself; an expression as its SQL. */
function defaultOf({ type, fallback }: Column): object {
  if (fallback === null) return {}
  const plain = /^'((?:[^']|'')*)'::[\w ."[\]]+$/.exec(fallback)?.[1]?.replaceAll("''", "'")
  if (typeOf(type).type === 'string') return { default: plain ?? fallback }
  try {
    return { default: JSON.parse(plain ?? fallback) as unknown }
  } catch {
    return {}
  }
}

interface SwaggerType {
  readonly type?: string
  readonly items?: SwaggerType
}

function typeOf(type: string): SwaggerType {
  if (type.endsWith('[]')) return { type: 'array', items: typeOf(type.slice(0, -2)) }
  if (type === 'json' || type === 'jsonb') return {}
  return { type: SWAGGER_TYPES[type.replace(/\(.*\)/, '')] ?? 'string' }
}

const SWAGGER_TYPES: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  numeric: 'number',
  real: 'number',
  'double precision': 'number',
}

function routinePath(routine: Routine): object {
  const { name, parameters, volatile } = routine
  const head = {
    tags: [`(rpc) ${name}`],
    produces: ['application/json', ...OBJECT],
    responses: { 200: { description: 'OK' } },
  }
  const schema = {
    type: 'object',
    required: parameters.filter(({ required }) => required).map((parameter) => parameter.name),
    properties: Object.fromEntries(
      parameters.map(({ name: named, type }) => [named, { ...typeOf(type), format: type }]),
    ),
  }
  const args = { name: 'args', in: 'body', required: true, schema }
  const post = { ...head, parameters: [args, { $ref: '#/parameters/preferParams' }] }
  return volatile ? { post } : { get: { ...head, parameters: parameters.map(queryParameter) }, post }
}

/** An array is written as `{a,b}`. */
function queryParameter({ name, type, required, variadic }: Parameter): object {
  const { type: json = 'string', items } = typeOf(type)
  const shape = variadic
    ? { type: 'array', items, collectionFormat: 'multi' }
    : { type: json === 'array' ? 'string' : json, format: type }
  return { name, in: 'query', required, ...shape }
}

function tableParameters({ name, columns }: Relation): [name: string, parameter: object][] {
  return [
    [`body.${name}`, { name, in: 'body', required: false, schema: { $ref: `#/definitions/${name}` } }],
    ...[...columns.keys()].map((column): [string, object] => [
      `rowFilter.${name}.${column}`,
      { name: column, in: 'query', required: false, type: 'string' },
    ]),
  ]
}

function optional(name: string, place: 'query' | 'header', description: string, more: object = {}): object {
  return { name, in: place, required: false, type: 'string', description, ...more }
}

const RETURNS = ['return=representation', 'return=minimal', 'return=none']

const PARAMETERS = {
  preferParams: optional('Prefer', 'header', 'Preference'),
  preferReturn: optional('Prefer', 'header', 'Preference', { enum: RETURNS }),
  preferCount: optional('Prefer', 'header', 'Preference', { enum: ['count=none'] }),
  preferPost: optional('Prefer', 'header', 'Preference', {
    enum: [...RETURNS, 'resolution=ignore-duplicates', 'resolution=merge-duplicates'],
  }),
  select: optional('select', 'query', 'Filtering Columns'),
  on_conflict: optional('on_conflict', 'query', 'On Conflict'),
  order: optional('order', 'query', 'Ordering'),
  range: optional('Range', 'header', 'Limiting and Pagination'),
  rangeUnit: optional('Range-Unit', 'header', 'Limiting and Pagination', { default: 'items' }),
  offset: optional('offset', 'query', 'Limiting and Pagination'),
  limit: optional('limit', 'query', 'Limiting and Pagination'),
}
