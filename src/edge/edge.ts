import { buildApp } from '../api/app.ts'
import { openAuthenticator, signingOf } from '../api/authenticator.ts'
import { openCodeSigner, publicKeyOf } from '../api/code-signer.ts'
import { functions } from '../api/functions/index.ts'
import { type Config, readConfig } from '../config.ts'
import { type Log, openLog } from '../core/log.ts'
import { type Database, openPool, requireInstalled } from '../db/pool.ts'
import { openWatch } from '../db/watch.ts'
import { SERVICE } from '../desk/callers.ts'
import { listCodeKeys, registerCodeKey } from '../desk/keys.ts'
import { openStripe } from '../payments/provider.ts'
import { reportTo } from '../payments/report.ts'
import { withPaymentJobs } from './daemon.ts'
import { apiKeysIn, variablesOf } from './environment.ts'

/** What an edge runtime starts a function with. */
export type Environment = Readonly<Record<string, string>>

type Answer = (request: Request) => Promise<Response>

/**
 * One function under whatever path the runtime gives it. It is opened at the first request; where that fails, the next one
 * tries again.
 */
export function edgeFunction(name: string, environment: Environment): Answer {
  return async (request) => {
    const answer = await openOnce(environment)
    const { origin, search } = new URL(request.url)
    return answer(new Request(`${origin}/functions/v1/${name}${search}`, request))
  }
}

let opened: Promise<Answer> | undefined

/** A worker may serve several functions: they share its connections. */
function openOnce(environment: Environment): Promise<Answer> {
  opened ??= open(environment).catch((error: unknown) => {
    opened = undefined
    console.error(error instanceof Error ? error.message : error)
    return unavailable
  })
  return opened
}

const unavailable: Answer = async () =>
  Response.json(
    {
      success: false,
      error: 'DATABASE_UNREACHABLE: The function could not start.',
      code: 'DATABASE_UNREACHABLE',
    },
    { status: 503, headers: { 'Retry-After': '5', 'Access-Control-Allow-Origin': '*' } },
  )

/** Each worker has connections of its own, and there may be many workers. */
const CONNECTIONS_MAX = 4

/** What is missing is said before anything is opened: each request tries again. */
async function open(environment: Environment): Promise<Answer> {
  const config = readConfig(variablesOf(environment))
  const log = openLog(config.logLevel, () => new Date(), console.error)
  const jwtSecret = required(config.jwtSecret, 'JWT_SECRET')
  const seed = required(config.ticketSigningKey, 'TICKET_SIGNING_KEY')
  const payments = paymentsOf(config, log)
  const keys = apiKeysIn(environment)
  const options = {
    authenticator: await openAuthenticator(jwtSecret, config.tokenRules, keys, signingOf(config.signing)),
    functions: withPaymentJobs(functions, log),
    publicUrl: required(config.publicUrl, 'PUBLIC_URL'),
    allowedRedirects: config.allowedRedirects,
    // One worker sees a part of what an address sends: the gateway limits all of it.
    limits: { perSecond: config.rateLimit ?? 0 },
    clientAddressHeader: config.clientAddressHeader ?? '',
    logLevel: config.logLevel,
    ...(payments === undefined ? {} : { payments }),
  }
  const watch = openWatch(log)
  const max = Math.min(config.pools.buyers, CONNECTIONS_MAX)
  const url = required(config.databaseUrl, 'SUPABASE_DB_URL')
  const database = await openPool(url, { max, name: 'admit-once edge', watch })
  try {
    await requireInstalled(database)
    const app = buildApp({ ...options, database, watch, codes: await signerOf(seed, database) })
    return async (request) => app.fetch(request)
  } catch (error) {
    await database.close()
    throw error
  }
}

function paymentsOf({ stripe, webhookSecret }: Config, log: Log) {
  if (stripe === undefined) return undefined
  const secret = required(webhookSecret, 'STRIPE_WEBHOOK_SECRET')
  return openStripe({ ...stripe, webhookSecret: secret, report: reportTo(log) })
}

/** Every worker signs with the one key; what was revoked meanwhile is looked for where a code is read. */
async function signerOf(seed: string, database: Database) {
  const registered = await registerCodeKey(database, SERVICE, { public_key: publicKeyOf(seed) })
  if (!registered.success) throw new Error(`TICKET_SIGNING_KEY cannot be used: ${registered.message}`)
  const { kid, keys } = registered
  return openCodeSigner({ seed, kid, keys, reload: () => listCodeKeys(database, SERVICE, {}) })
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new Error(`${name} is missing: set it among the secrets of the functions.`)
  return value
}
