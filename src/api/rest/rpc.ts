import { type Caller, call } from '../../db/call.ts'
import { sqlErrorOf } from '../../db/failures.ts'
import type { Database, Row } from '../../db/pool.ts'
import type { Reserve } from '../../desk/reserving.ts'
import type { Reply } from '../http.ts'
import { readText } from './body.ts'
import { CALL, resultRelation } from './call-result.ts'
import { type Catalogue, EXPOSED_SCHEMA, type Routine } from './catalogue.ts'
import { type CallSignature, chooseRoutine, takesBody } from './choose.ts'
import { RestError } from './errors.ts'
import { reserveRequestOf } from './gathered.ts'
import { rowCountError } from './guards.ts'
import {
  type Media,
  negotiateMedia,
  negotiateSchema,
  type Preferences,
  parsePreferences,
} from './negotiate.ts'
import { bodyTypes, contentTypeOf, directPayload, invalidBody, type Payload, parseBody } from './payload.ts'
import { parseQuery } from './query.ts'
import { rangeOf } from './range.ts'
import { type ReadSql, readSql } from './read-sql.ts'
import { beyond, contentRange, withOwn } from './reply.ts'
import { requestSettings } from './settings.ts'
import { callStatement, type Shape } from './statement.ts'
import type { Clauses, TableQuery } from './table-query.ts'

export interface RestContext {
  readonly database: Database
  readonly catalogue: Catalogue
  readonly caller: Caller
}

export interface RpcContext extends RestContext {
  readonly reserve: Reserve
}

/** `/rest/v1/rpc/<name>`: calls a function as PostgREST does, in one round trip. */
export async function handleRpc(request: Request, name: string, context: RpcContext): Promise<Reply> {
  const { method } = request
  if (method === 'OPTIONS') return describe(name, context.catalogue)
  if (!METHODS.includes(method)) {
    throw new RestError('PGRST101', `Cannot use the ${method} method on RPC`)
  }
  const echoSchema = negotiateSchema(request)
  const media = negotiateMedia(request.headers.get('accept'))
  const preferences = parsePreferences(request.headers.get('prefer'), 'RPC')
  const { query, isShaped, args } = parseQuery(request)
  const post = method === 'POST' ? await parsePost(request) : undefined
  const payload = namedBy(query.columns, post?.payload ?? directPayload(args))
  const signature: CallSignature = {
    name,
    keys: payload.keys,
    bodyTypes: post?.bodyTypes ?? [],
    bodyOnly: !payload.named,
  }
  const routine = await choose(context.catalogue, signature, payload)
  const range = pageOf(request, query.root)
  const read = isShaped ? await readOf(routine, query, range, context) : undefined
  const shape = { ...shapeOf(routine, media, preferences), ...range, read }
  const together = isPlain(request, shape) ? await reserveTogether(routine, payload, context) : null
  const sql = () => callStatement(routine, payload, takesBody(routine, signature), shape)
  const row = together ?? (await run(request, routine, sql(), preferences, context))
  return replyOf(row, { routine, shape, preferences, head: method === 'HEAD', echoSchema })
}

export const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS']

/** What the function allows; the arguments do not matter, any overload counts. */
async function describe(name: string, catalogue: Catalogue): Promise<Reply> {
  const overloads = await catalogue.overloads(name)
  const [first] = overloads
  if (first === undefined) await chooseRoutine(catalogue, { name, keys: [], bodyTypes: [], bodyOnly: false })
  const reads = overloads.some(({ volatile }) => !volatile)
  return { status: 200, body: '', headers: { Allow: reads ? 'OPTIONS,GET,HEAD,POST' : 'OPTIONS,POST' } }
}

async function parsePost(request: Request): Promise<{ payload: Payload; bodyTypes: readonly string[] }> {
  const contentType = contentTypeOf(request.headers.get('content-type'))
  const body = await readText(request)
  return { payload: parseBody(body, contentType), bodyTypes: bodyTypes[contentType] ?? [] }
}

async function choose(catalogue: Catalogue, signature: CallSignature, payload: Payload): Promise<Routine> {
  try {
    return await chooseRoutine(catalogue, signature)
  } catch (error) {
    const unlike = payload.kind === 'json' && !payload.named
    throw unlike && error instanceof RestError && error.code === 'PGRST202'
      ? invalidBody('All object keys must match')
      : error
  }
}

/** Of the body's keys only those that `columns` names are arguments. */
function namedBy(columns: readonly string[] | undefined, payload: Payload): Payload {
  return columns === undefined || !payload.named ? payload : { ...payload, keys: columns }
}

/** `limit` and `offset`, and the Range header of a GET; a function bounds its rows itself. */
function pageOf(request: Request, clauses: Clauses): Page {
  if (request.method !== 'GET') return clauses
  const { limit, offset } = rangeOf(request, clauses, Number.POSITIVE_INFINITY)
  return { limit: Number.isFinite(limit) ? limit : undefined, offset }
}

interface Page {
  readonly limit: number | undefined
  readonly offset: number
}

/** Rows of a function are read as those of a table are. */
async function readOf(
  routine: Routine,
  query: TableQuery,
  { limit, offset }: Page,
  { catalogue, caller: { role } }: RestContext,
): Promise<ReadSql> {
  const relations = await catalogue.relations()
  const page = { offset, ...(limit === undefined ? {} : { limit }) }
  return readSql(relations, resultRelation(routine, relations, role), query, { role, called: CALL, ...page })
}

function shapeOf(routine: Routine, media: Media, { count, maxAffected }: Preferences) {
  if (maxAffected !== undefined && !routine.set) {
    throw new RestError(
      'PGRST128',
      'Function must return SETOF or TABLE when max-affected preference is used with handling=strict',
    )
  }
  return { media, counted: count !== undefined, maxAffected }
}

/** Nothing is asked of the answer but what the function gives. */
function isPlain({ method, url, headers }: Request, { media }: Shape): boolean {
  const isJson = !media.single && !media.strip && !media.csv
  return method === 'POST' && isJson && !url.includes('?') && !headers.has('prefer')
}

/** The row of a call that was made with others; null where it is to be made alone. */
async function reserveTogether(routine: Routine, payload: Payload, context: RpcContext): Promise<Row | null> {
  const request = reserveRequestOf(routine, payload, context)
  const body = request === undefined ? null : await context.reserve(request)
  return body === null ? null : [body, null, null, '1', null]
}

async function run(
  request: Request,
  routine: Routine,
  sql: string,
  preferences: Preferences,
  { database, catalogue, caller }: RestContext,
): Promise<Row> {
  const settings = [...requestSettings(request, `/rpc/${routine.name}`, preferences), ...routine.settings]
  const readOnly = request.method !== 'POST' || !routine.volatile
  try {
    const rows = await call(database, {
      caller,
      sql,
      readOnly,
      settings,
      isolation: routine.isolation ?? undefined,
    })
    return rows[0] ?? [null, null, null, '0', null]
  } catch (error) {
    const sqlError = sqlErrorOf(error)
    // The function may have been replaced under another signature: look again before the next call.
    if (sqlError?.code === '42883') await catalogue.reload()
    throw (sqlError && rowCountError(sqlError.message)) ?? error
  }
}

interface CallFacts {
  readonly routine: Routine
  readonly shape: Shape
  readonly preferences: Preferences
  readonly head: boolean
  readonly echoSchema: boolean
}

/** The body passes through as PostgreSQL wrote it. */
function replyOf(row: Row, { routine, shape, preferences, head, echoSchema }: CallFacts): Reply {
  const [body = null, , , count, all] = row
  const rows = Number(count)
  const total = all === null || all === undefined ? undefined : Number(all)
  const headers: Record<string, string> = { 'Content-Range': contentRange(shape.offset, rows, total) }
  if (preferences.applied !== '') headers['Preference-Applied'] = preferences.applied
  if (total !== undefined && shape.offset > 0 && shape.offset > total) throw beyond(shape.offset, total)
  const isVoid = routine.returns === 'void' && !routine.set
  if (!isVoid) headers['Content-Type'] = shape.media.type
  if (!isVoid && echoSchema) headers['Content-Profile'] = EXPOSED_SCHEMA
  const status = isVoid ? 204 : total !== undefined && rows < total ? 206 : 200
  return withOwn({ status, body: isVoid || head ? null : body, headers }, row)
}
