import { Hono } from 'hono'
import type { Database } from '../db/pool.ts'
import { CALLER_ROLES, type Gate, type Identity } from './callers.ts'
import { type EdgeFunction, Refusal, refusalOf, refusalReply } from './functions/contract.ts'
import { functions as registry } from './functions/index.ts'
import { isPreflight, json, preflight, type Reply, requestIdOf, toResponse } from './http.ts'
import { openCatalogue } from './rest/catalogue.ts'
import { errorReply, RestError, restErrorReply, tokenReply } from './rest/errors.ts'
import { handleRpc, METHODS, type RestContext } from './rest/rpc.ts'

export interface AppOptions {
  readonly database: Database
  readonly gate: Gate
  /** Where people reach this server; by default the host that each request names. */
  readonly publicUrl?: string
  /** Gets one line for each error that is a bug; by default it goes to standard error. */
  readonly log?: (line: string) => void
  readonly functions?: ReadonlyMap<string, EdgeFunction>
}

/** The whole HTTP surface, apart from listening. No answer is ever HTML, and each carries `x-request-id`. */
export function buildApp(options: AppOptions): Hono {
  const app = new Hono()
  const rest = restHandler(options)
  app.all('/rest/v1/rpc/:name', (c) => rest(c.req.raw, rpcName(c.req.param('name'))))
  app.all('/rest/v1/*', (c) => rest(c.req.raw, undefined))
  const edge = functionHandler(options)
  app.all('/functions/v1/:name', (c) => edge(c.req.raw, c.req.param('name')))
  app.all('*', (c) => {
    const reply = isPreflight(c.req.raw) ? preflight : refusalReply(new Refusal('NOT_FOUND'))
    return toResponse(reply, requestIdOf(c.req.raw))
  })
  return app
}

type RpcName = string | undefined

/** PostgreSQL has no names with NUL, so that none can be meant. */
function rpcName(name: string): RpcName {
  return name.includes('\0') ? undefined : name
}

function restHandler({ database, gate, log = logError }: AppOptions) {
  const catalogue = openCatalogue(database)
  const answer = async (request: Request, name: RpcName): Promise<Reply> => {
    const identity = await gate.identify(request)
    if (identity.kind !== 'caller') return stranger(identity)
    const { caller } = identity
    if (!CALLER_ROLES.has(caller.role)) return noSuchRole(caller.role)
    return name === undefined
      ? noTable(request)
      : callOrExplain(request, name, { database, catalogue, caller })
  }
  return answerWith(log, answer, () => json(500, internal(null)))
}

async function callOrExplain(request: Request, name: string, context: RestContext): Promise<Reply> {
  try {
    return await handleRpc(request, name, context)
  } catch (error) {
    const reply = restErrorReply(error, context.caller.role)
    if (reply === undefined) throw error
    return METHODS.includes(request.method)
      ? reply
      : { ...reply, headers: { ...reply.headers, Allow: METHODS.join(',') } }
  }
}

function functionHandler({ database, gate, publicUrl, functions = registry, log = logError }: AppOptions) {
  const answer = async (request: Request, name: string): Promise<Reply> => {
    const edge = functions.get(name)
    if (edge === undefined) return refusalReply(new Refusal('NOT_FOUND', `there is no function ${name}`))
    if (!edge.methods.includes(request.method)) {
      return refusalReply(new Refusal('METHOD_NOT_ALLOWED'), { Allow: edge.methods.join(', ') })
    }
    const identity = await gate.identifyLoosely(request)
    if (identity.kind !== 'caller' || !CALLER_ROLES.has(identity.caller.role)) {
      return refusalReply(new Refusal('UNAUTHORIZED'))
    }
    const context = { database, caller: identity.caller, publicUrl: publicUrl ?? new URL(request.url).origin }
    try {
      return await edge.handle(request, context)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      return refusalReply(refusal)
    }
  }
  return answerWith(log, answer, () => refusalReply(new Refusal('INTERNAL_ERROR')))
}

/** Preflights, request ids, and bugs: logged under the request's id, answered without internals. */
function answerWith<Target>(
  log: (line: string) => void,
  answer: (request: Request, target: Target) => Promise<Reply>,
  bug: () => Reply,
): (request: Request, target: Target) => Promise<Response> {
  return async (request, target) => {
    const requestId = requestIdOf(request)
    try {
      return toResponse(isPreflight(request) ? preflight : await answer(request, target), requestId)
    } catch (error) {
      const stack = error instanceof Error ? error.stack : String(error)
      log(JSON.stringify({ level: 'error', request_id: requestId, method: request.method, error: stack }))
      return toResponse(bug(), requestId)
    }
  }
}

function logError(line: string): void {
  console.error(line)
}

/** As the gateway before PostgREST answers. */
function stranger(identity: Exclude<Identity, { kind: 'caller' }>): Reply {
  switch (identity.kind) {
    case 'no-key':
      return json(401, {
        message: 'No API key found in request',
        hint: 'No `apikey` request header or url param was found.',
      })
    case 'wrong-key':
      return json(401, { message: 'Invalid API key', hint: 'Double check your Supabase API key.' })
    case 'wrong-token':
      return tokenReply(identity.refusal)
  }
}

/** What the database says to a login that may not become the role. */
function noSuchRole(role: string): Reply {
  return errorReply(403, {
    code: '42501',
    message: `permission denied to set role "${role}"`,
    details: null,
    hint: null,
  })
}

function noTable(request: Request): Reply {
  const [, name = '', more] = new URL(request.url).pathname.slice('/rest/v1'.length).split('/')
  const error =
    name === '' || more !== undefined
      ? new RestError('PGRST125', 'Invalid path specified in request URL')
      : new RestError('PGRST205', `Could not find the table 'public.${name}' in the schema cache`)
  return restErrorReply(error, '') ?? refusalReply(new Refusal('NOT_FOUND'))
}

function internal(details: string | null) {
  return { code: 'INTERNAL_ERROR', message: 'Something went wrong on our side', details, hint: null }
}
