import { BODY_BYTES_MAX, type Lane } from '../../core/capacity.ts'
import { type RefusalCode, refusalEntry } from '../../core/refusals.ts'
import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { CrowdedError } from '../../desk/gather.ts'
import type { Reserve } from '../../desk/reserving.ts'
import { laneOf } from '../../desk/verbs.ts'
import { type Authenticator, CALLER_ROLES, type Identity } from '../authenticator.ts'
import type { Task } from '../front.ts'
import { keyRefusal } from '../gateway.ts'
import { json, type Reply } from '../http.ts'
import { type OriginRules, originOf } from '../origin.ts'
import { type Catalogue, openCatalogue } from './catalogue.ts'
import { describeSchema } from './description.ts'
import { errorReply, RestError, restErrorReply, tokenReply } from './errors.ts'
import { handleRpc, METHODS, type RestContext, type RpcContext } from './rpc.ts'
import { describeTable, handleRead } from './tables.ts'
import { handleWrite } from './write.ts'

interface RestOptions extends OriginRules {
  readonly databases: Readonly<Record<Lane, Database>>
  readonly authenticator: Authenticator
}

/** Names are looked up once for all callers: not where buyers wait. */
export function catalogueOf({ gates }: Pick<RestOptions['databases'], 'gates'>): Catalogue {
  return openCatalogue(gates)
}

/** Tasks of `/rest/v1/rpc/<name>`, `/rest/v1/<table>` and `/rest/v1/` itself. */
export function restTasks(
  options: RestOptions,
  reserve: Reserve,
  catalogue: Catalogue = catalogueOf(options.databases),
) {
  const { databases, authenticator } = options
  return {
    rpc: (name: string): Task => {
      let caller: RestCaller | undefined
      let lane = rpcLane(name)
      return {
        lane,
        path: (status) => `/rest/v1/rpc/${status < 300 || status > 499 ? name : ':name'}`,
        methods: METHODS,
        bodyBytesMax: BODY_BYTES_MAX,
        refuse,
        greet: async (request) => {
          const asking = await callerOf(request, authenticator)
          if ('refused' in asking) return asking
          // PostgreSQL has no names with NUL, so that none can be meant.
          if (name.includes('\0')) return { refused: noPath() }
          caller = asking.caller
          const isKnown = caller.role !== 'anon'
          // Anybody has the public key: it opens no lane that staff needs.
          if (!isKnown && lane === 'gates') lane = 'buyers'
          return { isKnown, lane }
        },
        answer: async (request) =>
          rpc(request, name, { database: databases[lane], catalogue, caller: caller ?? ANON, reserve }),
      }
    },
    table: (path: string): Task => {
      let caller: RestCaller | undefined
      const [name, more] = decoded(path.slice('/rest/v1/'.length))?.split('/') ?? []
      return {
        lane: 'tables',
        path: (status) => `/rest/v1/${status < 300 || status > 499 ? (name ?? '') : ':table'}`,
        methods: TABLE_METHODS,
        bodyBytesMax: BODY_BYTES_MAX,
        refuse,
        greet: async (request) => {
          const asking = await callerOf(request, authenticator)
          if ('refused' in asking) return asking
          if (name === undefined || more !== undefined || name.includes('\0')) return { refused: noPath() }
          caller = asking.caller
          return { isKnown: caller.role !== 'anon' }
        },
        answer: async (request) => {
          const context = { database: databases.tables, catalogue, caller: caller ?? ANON }
          return inRestWords(context.caller, () =>
            name === undefined || name === ''
              ? describeSchema(request, originOf(request, options), context)
              : handleTable(request, name, context),
          )
        },
      }
    },
  } satisfies Record<string, (name: string) => Task>
}

/** As the registry of verbs has it; only what the server itself calls works among the webhooks. */
function rpcLane(name: string): Lane {
  const lane = laneOf(name)
  return lane === 'webhooks' ? 'buyers' : lane
}

const TABLE_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** A path that is no UTF-8 names nothing. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function handleTable(request: Request, name: string, context: RestContext): Promise<Reply> {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return handleRead(request, name, context)
    case 'POST':
    case 'PATCH':
    case 'PUT':
    case 'DELETE':
      return handleWrite(request, request.method, name, context)
    case 'OPTIONS':
      return describeTable(name, context)
    default:
      throw new RestError('PGRST117', `Unsupported HTTP method: ${request.method}`)
  }
}

type RestCaller = RestContext['caller']

/** Who asks, or why that is nobody whom the database knows. */
async function callerOf(
  request: Request,
  authenticator: Authenticator,
): Promise<{ readonly caller: RestCaller } | { readonly refused: Reply }> {
  const identity = await authenticator.identify(request)
  if (identity.kind !== 'caller') return { refused: stranger(identity) }
  const { caller } = identity
  return CALLER_ROLES.has(caller.role) ? { caller } : { refused: noSuchRole(caller.role) }
}

async function rpc(request: Request, name: string, context: RpcContext): Promise<Reply> {
  const reply = await inRestWords(context.caller, () => handleRpc(request, name, context))
  return METHODS.includes(request.method)
    ? reply
    : { ...reply, headers: { ...reply.headers, Allow: METHODS.join(',') } }
}

async function inRestWords({ role }: RestCaller, answer: () => Promise<Reply>): Promise<Reply> {
  try {
    return await answer()
  } catch (error) {
    if (error instanceof CrowdedError) return refuse('SERVER_BUSY')
    const reply = restErrorReply(error, role)
    if (reply === undefined) throw error
    return reply
  }
}

/** What PostgREST has no code for. */
function refuse(code: RefusalCode): Reply {
  const { status, message, retryAfterSeconds } = refusalEntry(code)
  const retry: Record<string, string> = retryAfterSeconds ? { 'Retry-After': String(retryAfterSeconds) } : {}
  return json(status, { code, message, details: null, hint: null }, retry)
}

/** Whom the database would not know. */
function stranger(identity: Exclude<Identity, { kind: 'caller' }>): Reply {
  return identity.kind === 'wrong-token' ? tokenReply(identity.refusal) : keyRefusal(identity.kind)
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

function noPath(): Reply {
  const error = new RestError('PGRST125', 'Invalid path specified in request URL')
  return restErrorReply(error, '') ?? refuse('NOT_FOUND')
}
