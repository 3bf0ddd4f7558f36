import { Hono } from 'hono'
import { BODY_BYTES_MAX, LANES, type Lane } from '../core/capacity.ts'
import { type Level, type Log, openLog } from '../core/log.ts'
import type { Database } from '../db/pool.ts'
import type { DatabaseWatch } from '../db/watch.ts'
import type { Checkout } from '../desk/buying.ts'
import { type GatheredVerb, openGathering } from '../desk/gathering.ts'
import type { PaymentProvider } from '../payments/provider.ts'
import { type Admission, LIMITS, type Limits, openAdmission } from './admission.ts'
import { type AuthOptions, authTasks } from './auth/handler.ts'
import type { Authenticator } from './authenticator.ts'
import type { CodeSigner } from './code-signer.ts'
import { openFront, stackOf, type Task } from './front.ts'
import { type EdgeFunction, type PaymentMode, Refusal, refusalReply } from './functions/contract.ts'
import { functionTask } from './functions/handler.ts'
import { functions as registry } from './functions/index.ts'
import { bytesOf, hasBody, requestIdOf, toResponse } from './http.ts'
import { type Metrics, openMetrics, type Sources } from './metrics/metrics.ts'
import { figuresReader } from './metrics/reader.ts'
import { metricsTask } from './metrics/task.ts'
import { mountPages } from './pages/pages.ts'
import { openRareness } from './rareness.ts'
import type { Realtime } from './realtime/realtime.ts'
import type { Catalogue } from './rest/catalogue.ts'
import { restTasks } from './rest/handler.ts'
import type { Siblings } from './siblings.ts'

export interface AppOptions {
  readonly database: Database
  readonly authenticator: Authenticator
  /** Signs the codes of tickets, claims and bookings. */
  readonly codes: CodeSigner
  /** Tells subscribers what changes. */
  readonly realtime?: Pick<Realtime, 'broadcastTask' | 'sockets'>
  /** Signs users in; absent where somebody else does, such as Supabase Auth. */
  readonly auth?: AuthOptions
  /** Where people reach this server; by default a name of this machine that the request has, or `ownUrl`. */
  readonly publicUrl?: string
  readonly ownUrl?: () => string | undefined
  /** Who takes the money; without one only free tickets can be ordered. */
  readonly payments?: PaymentProvider
  /** Connections of a lane's own, which no other can take; by default it shares those of `database`. */
  readonly laneDatabases?: Partial<Record<Lane, Database>>
  /** What is wrong with the database, as its pools see it. */
  readonly watch?: DatabaseWatch
  /** Functions and relations of the schema; the first request reads them where it is absent. */
  readonly catalogue?: Catalogue
  /** Origins that buyers may be sent to after paying; none listed: any. */
  readonly allowedRedirects?: readonly string[]
  /** Other servers behind this one, by the first segment of the path; their answers go out as they are. */
  readonly mounts?: ReadonlyMap<string, Mount>
  readonly functions?: ReadonlyMap<string, EdgeFunction>
  readonly limits?: Partial<Limits>
  /** The header in which a proxy names the client, such as `x-forwarded-for`; only where one stands before us. */
  readonly clientAddressHeader?: string
  /** Whose header counts; `private` by default: proxies on no public address. */
  readonly trustedProxies?: readonly string[]
  /** Counts what is answered; one of its own where it is absent. */
  readonly metrics?: Metrics
  /** What `/openapi.json` is answered with; there is none where it is absent. */
  readonly openapi?: Task
  /** Opens `/metrics` and nothing else. */
  readonly metricsToken?: string
  /** Gets one JSON line for each request as grave as `logLevel`, `warn` by default; goes to standard error unless told. */
  readonly log?: (line: string) => void
  readonly logLevel?: Level
  /** The other processes that serve the same port, where there are any. */
  readonly siblings?: Siblings
}

type Mount = (request: Request) => Promise<Response>

/** The whole HTTP surface, apart from listening. */
export function buildApp(options: AppOptions): Hono {
  const app = new Hono()
  const { siblings } = options
  const always = siblings === undefined ? {} : { worker: siblings.worker }
  const log = openLog(options.logLevel ?? 'warn', () => new Date(), options.log ?? console.error, always)
  const limits = { ...LIMITS, ...options.limits }
  const admission = openAdmission(limits, undefined, siblings?.spend)
  const metrics = options.metrics ?? openMetrics()
  const borders = {
    bodyBytesMax: limits.bodyBytesMax,
    addressHeader: options.clientAddressHeader,
    trustedProxies: options.trustedProxies ?? ['private'],
  }
  const front = openFront(log, admission, borders, metrics.request)
  for (const [segment, mount] of options.mounts ?? []) {
    const task = mountTask(segment, mount)
    for (const path of [`/${segment}`, `/${segment}/*`]) app.all(path, (c) => front(c, task))
  }
  const databases = databasesOf(options)
  const gathering = openGathering(databases.buyers, limits.places.buyers, batchRefusals(log))
  const context = contextOf(options, databases, gathering.checkout)
  const rest = restTasks(context, gathering.reserve, options.catalogue)
  app.all('/rest/v1/rpc/:name', (c) => front(c, rest.rpc(c.req.param('name'))))
  app.all('/rest/v1/*', (c) => front(c, rest.table(c.req.path)))
  if (options.auth !== undefined) {
    const authTask = authTasks({ ...options.auth, ...(siblings && { pause: siblings.pause }) }, context)
    app.all('/auth/v1/*', (c) => front(c, authTask(c.req.path.slice('/auth/v1/'.length))))
  }
  const { realtime } = options
  if (realtime !== undefined) {
    for (const path of ['/realtime/v1/api/broadcast', '/realtime/v1/api/broadcast/*']) {
      app.all(path, (c) => front(c, realtime.broadcastTask(c.req.path)))
    }
  }
  app.all('/functions/v1/:name', (c) => front(c, functionTask(c.req.param('name'), context)))
  const sources = sourcesOf(databases, admission, gathering.figures, options)
  const scrape = metricsTask(readingOf(metrics, sources, siblings), {
    authenticator: options.authenticator,
    token: options.metricsToken,
  })
  app.all('/metrics', (c) => front(c, scrape))
  const { openapi } = options
  if (openapi !== undefined) app.all('/openapi.json', (c) => front(c, openapi))
  mountPages(app, front, context)
  app.all('*', (c) => front(c, nothing))
  app.notFound((c) => front(c, nothing))
  // What the front itself met.
  app.onError((error, c) => {
    const request_id = requestIdOf(c.req.raw)
    log('error', 'request', {
      request_id,
      method: c.req.method,
      path: '*',
      status: 500,
      error: stackOf(error),
    })
    return toResponse(refusalReply(new Refusal('INTERNAL_ERROR')), request_id)
  })
  return app
}

/** Of each verb the first in a minute: what makes one batch fail makes the next one fail, too. */
function batchRefusals(log: Log) {
  const mayTell = { reserve: openRareness(60_000), checkout: openRareness(60_000) }
  return (verb: GatheredVerb, sqlstate: string) => {
    if (mayTell[verb]()) log('warn', 'batch_refused', { verb, sqlstate })
  }
}

/** What a scrape reads: the figures of this process, or of all that serve the port. */
function readingOf(metrics: Metrics, sources: Sources, siblings: Siblings | undefined) {
  const ofAll = siblings?.gather((withDatabase) => metrics.values(sources, withDatabase))
  return { contentType: metrics.contentType, read: ofAll ?? (() => metrics.read(sources)) }
}

/** Lanes that share a pool are one of its name. */
function sourcesOf(
  databases: Readonly<Record<Lane, Database>>,
  { lanes }: Pick<Admission, 'lanes'>,
  gathered: Sources['gathered'],
  { realtime }: Pick<AppOptions, 'realtime'>,
): Sources {
  const names = new Map(Object.entries(databases).map(([lane, database]) => [database, lane]))
  return {
    lanes,
    pools: new Map([...names].map(([database, name]) => [name, () => database.figures()])),
    gathered,
    figures: figuresReader(databases.health),
    sockets: () => realtime?.sockets() ?? 0,
  }
}

function databasesOf({ database, laneDatabases }: AppOptions): Readonly<Record<Lane, Database>> {
  const shared = Object.fromEntries(LANES.map((lane) => [lane, database])) as Record<Lane, Database>
  return { ...shared, ...laneDatabases }
}

function contextOf(options: AppOptions, databases: Readonly<Record<Lane, Database>>, checkout: Checkout) {
  const { database, authenticator, codes, publicUrl, payments, watch } = options
  return {
    database,
    databases,
    checkout,
    authenticator,
    codes,
    publicUrl: publicUrl?.replace(/\/+$/, ''),
    ownUrl: options.ownUrl,
    functions: options.functions ?? registry,
    ...(payments === undefined ? {} : { payments }),
    ...(watch === undefined ? {} : { watch }),
    paymentMode: paymentModeOf(options),
    allowedRedirects: options.allowedRedirects ?? [],
  }
}

function paymentModeOf({ payments, mounts }: AppOptions): PaymentMode {
  if (payments === undefined) return 'none'
  if (payments.livemode) return 'live'
  return mounts?.has('stand-in') ? 'stand-in' : 'test'
}

/** Bulkhead: the pay page is in the lane of buyers; the stand-in's API and control are in that of webhooks, which buyers cannot fill. */
function mountTask(segment: string, mount: Mount): Task {
  return {
    lane: segment === 'checkout.stripe.com' ? 'buyers' : 'webhooks',
    path: `/${segment}/*`,
    methods: METHODS,
    bodyBytesMax: BODY_BYTES_MAX,
    foreign: true,
    refuse: (code) => refusalReply(new Refusal(code)),
    answer: async (request) => {
      const whole = await wholeOf(request)
      return whole === undefined ? refusalReply(new Refusal('PAYLOAD_TOO_LARGE')) : mount(whole)
    },
  }
}

/** The request with its body, which has been read; undefined when that is too large, or did not arrive whole. */
async function wholeOf(request: Request): Promise<Request | undefined> {
  const { url, method, headers } = request
  if (!hasBody(request)) return request
  const body = await bytesOf(request, BODY_BYTES_MAX).catch(() => undefined)
  return body === undefined ? undefined : new Request(url, { method, headers, body })
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

const nothing: Task = {
  lane: 'buyers',
  path: '*',
  methods: METHODS,
  bodyBytesMax: BODY_BYTES_MAX,
  refuse: (code) => refusalReply(new Refusal(code)),
  greet: async () => ({ refused: refusalReply(new Refusal('NOT_FOUND')) }),
  answer: async () => refusalReply(new Refusal('NOT_FOUND')),
}
