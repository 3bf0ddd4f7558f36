import { BODY_BYTES_MAX, type Lane } from '../../core/capacity.ts'
import { type RefusalCode, refusalEntry } from '../../core/refusals.ts'
import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import { laneOf } from '../../desk/verbs.ts'
import { type Authenticator, CALLER_ROLES, type Identity } from '../authenticator.ts'
import type { Task } from '../front.ts'
import { json, type Reply } from '../http.ts'
import { type Catalogue, openCatalogue } from './catalogue.ts'
import { errorReply, RestError, restErrorReply, tokenReply } from './errors.ts'
import { handleRpc, METHODS, type RestContext } from './rpc.ts'

interface RestOptions {
  readonly databases: Readonly<Record<Lane, Database>>
  readonly authenticator: Authenticator
}

/** Tasks of `/rest/v1/rpc/<name>`, and of all else under `/rest/v1`, which is a name that nothing has. */
export function restTasks({ databases, authenticator }: RestOptions) {
  // Names are looked up once for all callers: not where buyers wait.
  const catalogue = openCatalogue(databases.gates)
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
          if (name.includes('\0')) return { refused: noTable(request) }
          caller = asking.caller
          const isKnown = caller.role !== 'anon'
          // Anybody has the public key: it opens no lane that staff needs.
          if (!isKnown && lane === 'gates') lane = 'buyers'
          return { isKnown, lane }
        },
        answer: async (request) =>
          rpc(request, name, { database: databases[lane], catalogue, caller: caller ?? ANON }),
      }
    },
    table: (): Task => ({
      lane: 'buyers',
      path: '/rest/v1/*',
      methods: TABLE_METHODS,
      bodyBytesMax: BODY_BYTES_MAX,
      refuse,
      greet: async (request) => {
        const asking = await callerOf(request, authenticator)
        return 'refused' in asking ? asking : { refused: noTable(request) }
      },
      answer: async (request) => noTable(request),
    }),
  } satisfies Record<string, (name: string) => Task>
}

/** As the registry of verbs has it; only what the server itself calls works among the webhooks. */
function rpcLane(name: string): Lane {
  const lane = laneOf(name)
  return lane === 'webhooks' ? 'buyers' : lane
}

const TABLE_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

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

async function rpc(
  request: Request,
  name: string,
  context: RestContext & { readonly catalogue: Catalogue },
): Promise<Reply> {
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

/** What PostgREST has no code for. */
function refuse(code: RefusalCode): Reply {
  const { status, message, retryAfterSeconds } = refusalEntry(code)
  const retry: Record<string, string> = retryAfterSeconds ? { 'Retry-After': String(retryAfterSeconds) } : {}
  return json(status, { code, message, details: null, hint: null }, retry)
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
  return restErrorReply(error, '') ?? refuse('NOT_FOUND')
}
