import { hkdfSync } from 'node:crypto'
import type { Lane } from '../../core/capacity.ts'
import type { RefusalCode } from '../../core/refusals.ts'
import { DatabaseError, sqlErrorOf } from '../../db/failures.ts'
import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'
import type { Authenticator } from '../authenticator.ts'
import type { Task } from '../front.ts'
import { keyRefusal } from '../gateway.ts'
import { json, type Reply } from '../http.ts'
import { type OriginRules, originOf } from '../origin.ts'
import { adminUsers } from './admin.ts'
import { otp, recover, resend, verify } from './codes.ts'
import { AUTH_RULES, type AuthContext, type AuthRules, type Endpoint } from './context.ts'
import { type AuthCode, AuthError, authErrorReply, isNewClient } from './errors.ts'
import type { Mailer } from './mailer.ts'
import { openPasswords } from './passwords.ts'
import { openPauses, type Pause } from './pauses.ts'
import { signUp, token } from './sign-in.ts'
import { getUser, logout, putUser } from './user.ts'

export interface AuthOptions {
  readonly mailer?: Mailer | undefined
  readonly rules?: Partial<AuthRules>
  /** Derives what only the server knows of refresh tokens and codes; servers of one installation share it. */
  readonly secret: string
  /** Keeps the pauses between mails to one address; in this process where it is absent. */
  readonly pause?: Pause
}

interface Serving extends OriginRules {
  readonly databases: Readonly<Record<Lane, Database>>
  readonly authenticator: Authenticator
}

interface Route {
  readonly endpoint: Endpoint
  /** What costs work or sends mail has a lane of its own; what only reads works where tables are read. */
  readonly lane: Lane
  /** Without a key too, as whoever verifies our tokens asks. */
  readonly open?: true
}

const slow = (endpoint: Endpoint): Route => ({ endpoint, lane: 'auth' })
const quick = (endpoint: Endpoint): Route => ({ endpoint, lane: 'tables' })
const open = (endpoint: Endpoint): Route => ({ endpoint, lane: 'tables', open: true })

const ROUTES: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  signup: { POST: slow(signUp) },
  token: { POST: slow(token) },
  otp: { POST: slow(otp) },
  magiclink: { POST: slow(otp) },
  verify: { POST: slow(verify) },
  recover: { POST: slow(recover) },
  resend: { POST: slow(resend) },
  logout: { POST: quick(logout) },
  user: { GET: quick(getUser), PUT: slow(putUser) },
  settings: { GET: quick(settings) },
  health: { GET: open(health) },
  '.well-known/jwks.json': { GET: open(jwks) },
}

const ADMIN = 'admin/users'
const ADMIN_ROUTES: Readonly<Record<string, Route>> = Object.fromEntries(
  ['GET', 'POST', 'PUT', 'DELETE'].map((method) => [method, slow(adminUsers)]),
)
const BODY_BYTES_MAX = 64 * 1024

/** Tasks of `/auth/v1/<endpoint>`: users of a plain PostgreSQL, in the shape of Supabase Auth. */
export function authTasks({ mailer, rules, secret, pause }: AuthOptions, serving: Serving) {
  const shared = {
    signing: serving.authenticator.signing,
    passwords: openPasswords(),
    rules: { ...AUTH_RULES, ...rules },
    mailer,
    pauses: openPauses(rules?.mailPauseSeconds ?? AUTH_RULES.mailPauseSeconds, pause),
    chainKey: new Uint8Array(hkdfSync('sha256', secret, '', 'admit-once auth', 32)),
  }
  return (path: string): Task => {
    const isAdmin = path === ADMIN || path.startsWith(`${ADMIN}/`)
    const routes = isAdmin ? ADMIN_ROUTES : (ROUTES[path] ?? {})
    const methods = Object.keys(routes)
    let caller = ANON
    const lane = routes['POST']?.lane ?? Object.values(routes)[0]?.lane ?? 'tables'
    return {
      lane,
      path: `/auth/v1/${isAdmin ? ADMIN : methods.length > 0 ? path : ':endpoint'}`,
      methods,
      bodyBytesMax: BODY_BYTES_MAX,
      refuse: (code) => bareRefusal(code),
      greet: async (request) => {
        const route = routes[request.method]
        if (route === undefined) {
          return { refused: refusalOf(request, methods.length === 0 ? 'not_found' : 'method_not_allowed') }
        }
        const identity = await serving.authenticator.identify(request)
        if (identity.kind === 'caller') caller = identity.caller
        else if (route.open === undefined) return { refused: strangerReply(request, identity.kind) }
        return { isKnown: caller.role !== 'anon', lane: route.lane }
      },
      answer: async (request) => {
        const route = routes[request.method]
        if (route === undefined) return refusalOf(request, 'method_not_allowed')
        const query = new URL(request.url).searchParams
        const rest = isAdmin ? path.slice(ADMIN.length + 1) : ''
        const database = serving.databases[route.lane]
        const context: AuthContext = { ...shared, database, publicUrl: originOf(request, serving) }
        return answer(request, () => route.endpoint({ request, query, caller, rest }, context))
      },
    }
  }
}

async function answer(request: Request, work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AuthError) return authErrorReply(error, isNewClient(request))
    if (error instanceof DatabaseError) return refusalOf(request, 'unavailable')
    // Raised by the vault where the users are Supabase Auth's.
    if (sqlErrorOf(error)?.code === '0A000') return refusalOf(request, 'supabase_auth')
    if (sqlErrorOf(error)?.code === '55P03') return refusalOf(request, 'unavailable')
    throw error
  }
}

function refusalOf(request: Request, code: AuthCode): Reply {
  return authErrorReply(new AuthError(code), isNewClient(request))
}

/** Auth itself answers for a token that does not hold. */
function strangerReply(request: Request, kind: 'no-key' | 'wrong-key' | 'wrong-token'): Reply {
  return kind === 'wrong-token' ? refusalOf(request, 'bad_jwt') : keyRefusal(kind)
}

/** What the front met before the request was looked at. */
function bareRefusal(code: RefusalCode): Reply {
  const known: Partial<Record<RefusalCode, AuthCode>> = {
    TOO_MANY_REQUESTS: 'over_request_rate_limit',
    PAYLOAD_TOO_LARGE: 'payload_too_large',
    INVALID_REQUEST: 'validation_failed',
    SERVER_BUSY: 'unavailable',
  }
  return authErrorReply(new AuthError(known[code] ?? 'unexpected_failure'), true)
}

async function settings(_: unknown, { rules, mailer }: AuthContext): Promise<Reply> {
  return json(200, {
    external: { email: true, phone: false, anonymous_users: false },
    disable_signup: !rules.signUps,
    mailer_autoconfirm: rules.autoconfirm || mailer === undefined,
    phone_autoconfirm: false,
    sms_provider: '',
    saml_enabled: false,
  })
}

async function health(): Promise<Reply> {
  return json(200, { name: 'Admit Once', description: 'Sign-up and sign-in in the shape of Supabase Auth' })
}

async function jwks(_: unknown, { signing }: AuthContext): Promise<Reply> {
  return json(200, signing.jwks, { 'Cache-Control': 'public, max-age=600' })
}
