import { buildApp } from '../api/app.ts'
import { openAuthenticator, signingOf } from '../api/authenticator.ts'
import { clientFinder } from '../api/client-address.ts'
import type { ApiKeys } from '../api/keys.ts'
import { listen } from '../api/listen.ts'
import { openMetrics } from '../api/metrics/metrics.ts'
import { openapiTask } from '../api/openapi.ts'
import { openRealtime } from '../api/realtime/realtime.ts'
import { catalogueOf } from '../api/rest/handler.ts'
import type { Siblings } from '../api/siblings.ts'
import type { Config } from '../config.ts'
import type { Lane } from '../core/capacity.ts'
import type { Log } from '../core/log.ts'
import { type Durability, tryCommit } from '../db/durability.ts'
import { type Database, openPool, requireInstalled } from '../db/pool.ts'
import { type DatabaseWatch, openWatch } from '../db/watch.ts'
import { SERVICE } from '../desk/callers.ts'
import { hasOwnUsers } from '../desk/users.ts'
import { startJobs } from '../jobs/jobs.ts'
import type { Closing } from './closing.ts'
import { mailerOf } from './mailer.ts'
import type { Payments } from './payments.ts'
import { jwtSecretOf, ticketKeyOf } from './secrets.ts'
import { serveSigner } from './signing-key.ts'

/** What a process says of itself once it serves; plain values, which cross to another process. */
export interface Serving {
  readonly url: string
  readonly keys: ApiKeys
  /** Of PostgreSQL. */
  readonly version: string
  readonly durability: Durability
  /** False where Supabase Auth has the users. */
  readonly hasOwnUsers: boolean
  /** The number of a key that signs from now on, beside others before it. */
  readonly newKey: number | undefined
  /** Why subscribers hear of no changes. */
  readonly missing: string | undefined
}

export interface ServingOptions {
  readonly databaseUrl: string
  readonly log: Log
  readonly closing: Closing
  /** Who takes the money, told where this server is once it is known; closed by whoever opened it. */
  readonly payments: Payments
  /** The other processes of the same server. */
  readonly siblings?: Siblings
}

/** Connections, jobs and the HTTP surface, in the order in which each needs the one before it. */
export async function openServing(config: Config, options: ServingOptions): Promise<Serving> {
  const { databaseUrl, log, closing, payments, siblings } = options
  const watch = await closing.after(openWatch(log), async (it) => it.stop())
  const pools = await openPools(databaseUrl, config, watch, closing)
  const { database, ...laneDatabases } = pools
  await requireInstalled(database)
  let url: string | undefined
  const metrics = openMetrics()
  const jobs = startJobs(laneDatabases.webhooks, payments.provider, log, metrics.jobs)
  await closing.after(jobs, (it) => it.stop())
  const jwtSecret = await jwtSecretOf(config)
  const signing = signingOf(config.signing)
  const authenticator = await openAuthenticator(jwtSecret, config.tokenRules, undefined, signing)
  const mailer = await closing.after(mailerOf(config, log), async (it) => it?.close())
  const signer = await closing.after(serveSigner(await ticketKeyOf(config), laneDatabases.gates, log), (it) =>
    it.stop(),
  )
  const { codes } = signer
  const realtime = await openRealtime({
    database: pools.realtime,
    databaseUrl: config.replicationUrl ?? databaseUrl,
    authenticator,
    log,
    findClient: clientFinder({ header: config.clientAddressHeader, trusted: config.trustedProxies }),
    limits: config.sockets,
    ...(siblings === undefined ? {} : { relay: siblings.relay }),
  })
  // Cold start: nobody waits for it later; where the database is away just now, the first request reads it.
  const catalogue = catalogueOf(laneDatabases)
  await catalogue.relations().catch(() => undefined)
  if (realtime.obstacle !== undefined) log('warn', 'realtime_without_changes', { message: realtime.obstacle })
  const app = buildApp({
    ...{ database, laneDatabases, watch, metrics, authenticator, codes, realtime, catalogue },
    ...appOptions(config, payments),
    auth: { secret: jwtSecret, mailer, rules: config.auth.rules },
    openapi: openapiTask(),
    ownUrl: () => url,
    ...(siblings === undefined ? {} : { siblings }),
  })
  const sharesPort = siblings !== undefined && HAS_REUSEPORT
  const listening = await closing.after(
    listen(app, { ...config, sharesPort, upgrade: realtime.upgrade }),
    (it) => it.close(),
  )
  // Sockets go first: the server waits for its connections.
  await closing.after(realtime, (it) => it.close())
  url = listening.url
  return {
    url,
    keys: authenticator.keys,
    version: database.version,
    durability: await tryCommit(pools.health, SERVICE),
    hasOwnUsers: await hasOwnUsers(pools.auth, SERVICE, {}),
    newKey: signer.isNew && codes.kid > 1 ? codes.kid : undefined,
    missing: realtime.obstacle,
  }
}

/**
 * The system gives connections to workers. node:cluster does so elsewhere, and forgets one that it is just giving to a worker that
 * dies: its client waits for ever.
 */
const HAS_REUSEPORT = process.platform === 'linux'

interface Pools {
  readonly database: Database
  readonly pages: Database
  readonly tables: Database
  readonly auth: Database
  readonly realtime: Database
  readonly gates: Database
  readonly webhooks: Database
  readonly health: Database
}

async function openPools(
  url: string,
  { pools }: Config,
  watch: DatabaseWatch,
  closing: Closing,
): Promise<Pools> {
  const open = (lane: Lane, name: string, tells: Pick<DatabaseWatch, 'failed'> = watch) =>
    closing.after(openPool(url, { max: pools[lane], name, watch: tells }), (it) => it.close())
  return {
    database: await open('buyers', 'admit-once'),
    pages: await open('pages', 'admit-once pages', watch.aside),
    tables: await open('tables', 'admit-once tables', watch.aside),
    auth: await open('auth', 'admit-once auth', watch.aside),
    realtime: await open('realtime', 'admit-once visibility', watch.aside),
    gates: await open('gates', 'admit-once gates'),
    webhooks: await open('webhooks', 'admit-once payments'),
    health: await open('health', 'admit-once health', watch.aside),
  }
}

function appOptions(config: Config, { provider, mounts }: Payments) {
  const { publicUrl, allowedRedirects, logLevel, clientAddressHeader, trustedProxies, metricsToken } = config
  return {
    payments: provider,
    mounts,
    allowedRedirects,
    logLevel,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(metricsToken === undefined ? {} : { metricsToken }),
    limits: limitsOf(config),
    trustedProxies,
    ...(clientAddressHeader === undefined ? {} : { clientAddressHeader }),
  }
}

/** What one server admits; token buckets are those of all its processes together. */
export function limitsOf({ rateLimit, auth, places, arrivingMax, arrivingPerAddress, bodyBytesMax }: Config) {
  const limits = { authPerMinute: auth.perMinute, places, arrivingMax, arrivingPerAddress, bodyBytesMax }
  if (rateLimit === undefined) return limits
  // Asked for by name, it holds for callers on this machine too.
  return { ...limits, perSecond: rateLimit, burst: rateLimit * BURST_SECONDS, limitLoopback: true }
}

const BURST_SECONDS = 5
