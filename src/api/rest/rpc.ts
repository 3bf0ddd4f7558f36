import { randomUUID } from 'node:crypto'
import { type Caller, call } from '../../db/call.ts'
import { sqlErrorOf } from '../../db/failures.ts'
import type { Database, Row, Setting } from '../../db/pool.ts'
import { json, type Reply, readBody } from '../http.ts'
import { type Catalogue, EXPOSED_SCHEMA, type Routine } from './catalogue.ts'
import { type CallSignature, chooseRoutine, takesBody } from './choose.ts'
import { RestError, stringHeaders, validStatus } from './errors.ts'
import {
  type Media,
  negotiateMedia,
  negotiateSchema,
  type Preferences,
  parsePreferences,
} from './negotiate.ts'
import { bodyTypes, contentTypeOf, directPayload, invalidBody, type Payload, parseBody } from './payload.ts'
import { type Page, parseQuery } from './query.ts'
import { callStatement, NOT_SINGLE, type Shape, TOO_MANY } from './statement.ts'

export interface RestContext {
  readonly database: Database
  readonly catalogue: Catalogue
  readonly caller: Caller
}

/** `/rest/v1/rpc/<name>`: calls a function as PostgREST does, in one round trip. */
export async function handleRpc(request: Request, name: string, context: RestContext): Promise<Reply> {
  const { method } = request
  if (method === 'OPTIONS') return describe(name, context.catalogue)
  if (!METHODS.includes(method)) {
    throw new RestError('PGRST101', `Cannot use the ${method} method on RPC`)
  }
  const echoSchema = negotiateSchema(request)
  const media = negotiateMedia(request.headers.get('accept'))
  const preferences = parsePreferences(request.headers.get('prefer'))
  const { page, args } = parseQuery(request)
  const post = method === 'POST' ? await parsePost(request) : undefined
  if (post === TOO_LARGE) return tooLarge
  const payload = post?.payload ?? directPayload(args)
  const signature: CallSignature = {
    name,
    keys: payload.keys,
    bodyTypes: post?.bodyTypes ?? [],
    bodyOnly: !payload.named,
  }
  const routine = await choose(context.catalogue, signature, payload)
  const shape = shapeOf(routine, media, preferences, page)
  const sql = callStatement(routine, payload, takesBody(routine, signature), shape)
  const row = await run(request, routine, sql, preferences, context)
  return replyOf(row, { routine, shape, preferences, head: method === 'HEAD', echoSchema })
}

export const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS']

/** Named by nobody else, so that no function's own error is taken for it. */
const NONCE = `admit-once-${randomUUID()}:`
const TOO_LARGE = 'too-large'
const tooLarge = json(413, {
  code: 'PAYLOAD_TOO_LARGE',
  message: 'The request body is too large',
  details: null,
  hint: null,
})

/** What the function allows; the arguments do not matter, any overload counts. */
async function describe(name: string, catalogue: Catalogue): Promise<Reply> {
  const overloads = await catalogue.overloads(name)
  const [first] = overloads
  if (first === undefined) await chooseRoutine(catalogue, { name, keys: [], bodyTypes: [], bodyOnly: false })
  const reads = overloads.some(({ volatile }) => !volatile)
  return { status: 200, body: '', headers: { Allow: reads ? 'OPTIONS,GET,HEAD,POST' : 'OPTIONS,POST' } }
}

async function parsePost(
  request: Request,
): Promise<{ payload: Payload; bodyTypes: readonly string[] } | typeof TOO_LARGE> {
  const contentType = contentTypeOf(request.headers.get('content-type'))
  const body = await readBody(request).catch((error: unknown) => {
    const what = error instanceof TypeError ? 'is not valid UTF-8' : 'did not arrive whole'
    throw invalidBody(`The request body ${what}`)
  })
  if (body === undefined) return TOO_LARGE
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

function shapeOf(routine: Routine, media: Media, { count, maxAffected }: Preferences, page: Page): Shape {
  if (maxAffected !== undefined && !routine.set) {
    throw new RestError(
      'PGRST128',
      'Function must return SETOF or TABLE when max-affected preference is used with handling=strict',
    )
  }
  return { media, ...page, counted: count !== undefined, maxAffected, nonce: NONCE }
}

async function run(
  request: Request,
  routine: Routine,
  sql: string,
  preferences: Preferences,
  { database, catalogue, caller }: RestContext,
): Promise<Row> {
  const timezone: Setting[] = preferences.timezone === undefined ? [] : [['timezone', preferences.timezone]]
  const settings: Setting[] = [
    ['request.method', request.method],
    ['request.path', `/rpc/${routine.name}`],
    ['request.headers', headersOf(request)],
    ...timezone,
    ...routine.settings,
  ]
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

function rowCountError(message: string): RestError | undefined {
  const at = message.indexOf(NONCE)
  if (at < 0) return undefined
  const letter = message[at + NONCE.length]
  const rows = Number.parseInt(message.slice(at + NONCE.length + 1), 10)
  if (letter === NOT_SINGLE) {
    const details = `The result contains ${rows} rows`
    return new RestError('PGRST116', 'Cannot coerce the result to a single JSON object', details)
  }
  if (letter !== TOO_MANY) return undefined
  const details = `The query affects ${rows} rows`
  return new RestError('PGRST124', 'Query result exceeds max-affected preference constraint', details)
}

function headersOf(request: Request): string {
  const headers: Record<string, string> = {}
  request.headers.forEach((value, name) => {
    if (name !== 'cookie') headers[name] = value
  })
  return JSON.stringify(headers)
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
  const [body = null, ownHeaders, ownStatus, count, all] = row
  const rows = Number(count)
  const total = all === null || all === undefined ? undefined : Number(all)
  const headers: Record<string, string> = { 'Content-Range': contentRange(shape.offset, rows, total) }
  if (preferences.applied !== '') headers['Preference-Applied'] = preferences.applied
  if (total !== undefined && shape.offset > 0 && shape.offset > total) throw beyond(shape.offset, total)
  const isVoid = routine.returns === 'void' && !routine.set
  if (!isVoid) headers['Content-Type'] = shape.media.type
  if (!isVoid && echoSchema) headers['Content-Profile'] = EXPOSED_SCHEMA
  const status = isVoid ? 204 : total !== undefined && rows < total ? 206 : 200
  return {
    status: ownStatus === null || ownStatus === undefined ? status : statusOf(ownStatus),
    body: isVoid || head ? null : body,
    headers:
      ownHeaders === null || ownHeaders === undefined ? headers : { ...headers, ...headersIn(ownHeaders) },
  }
}

function contentRange(offset: number, rows: number, total: number | undefined): string {
  return `${rows === 0 ? '*' : `${offset}-${offset + rows - 1}`}/${total ?? '*'}`
}

function beyond(offset: number, total: number): RestError {
  const details = `An offset of ${offset} was requested, but there are only ${total} rows.`
  return new RestError('PGRST103', 'Requested range not satisfiable', details)
}

function statusOf(text: string): number {
  const status = validStatus(Number(text))
  if (status === undefined) throw new RestError('PGRST112', 'response.status guc must be a valid status code')
  return status
}

function headersIn(text: string): Record<string, string> {
  const message =
    'response.headers guc must be a JSON array composed of objects with a single key and a string value'
  const list = parseList(text)
  const headers = list?.map(stringHeaders)
  if (!headers?.every((header) => header !== undefined && Object.keys(header).length === 1)) {
    throw new RestError('PGRST111', message)
  }
  return Object.assign({}, ...headers)
}

function parseList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
