import { randomUUID } from 'node:crypto'
import { defineCommand } from 'citty'
import type pg from 'pg'
import { buildApp } from '../api/app.ts'
import { openAuthenticator, signingOf } from '../api/authenticator.ts'
import { clientFinder } from '../api/client-address.ts'
import type { ApiKeys } from '../api/keys.ts'
import { type Listening, listen } from '../api/listen.ts'
import { openMetrics } from '../api/metrics/metrics.ts'
import { openapiTask } from '../api/openapi.ts'
import { openRealtime } from '../api/realtime/realtime.ts'
import { catalogueOf } from '../api/rest/handler.ts'
import { type Config, dataFolderOf, readConfig } from '../config.ts'
import type { Lane } from '../core/capacity.ts'
import { type Log, openLog } from '../core/log.ts'
import { type Durability, LOSES_AT_FAILOVER, losesAtFailover, tryCommit } from '../db/durability.ts'
import { migrate } from '../db/migrate.ts'
import { type Database, IS_INSTALLED, openPool, requireInstalled, runOnClient } from '../db/pool.ts'
import { type DatabaseWatch, openWatch } from '../db/watch.ts'
import { LOGIN, SERVICE } from '../desk/callers.ts'
import { verifyProtections } from '../desk/protections.ts'
import { hasOwnUsers } from '../desk/users.ts'
import { startJobs } from '../jobs/jobs.ts'
import { type Closing, openClosing } from './closing.ts'
import { useServer, withClient } from './database.ts'
import { DEMO, openDemo } from './demo.ts'
import { COULD_NOT_RUN, CommandError } from './failure.ts'
import { onInterrupt } from './interrupt.ts'
import { mailerOf } from './mailer.ts'
import { isPublic, openPayments, type Payments } from './payments.ts'
import { jwtSecretOf, ticketKeyOf } from './secrets.ts'
import { serveSigner } from './signing-key.ts'
import { onWrappersGone } from './wrappers.ts'

export const start = defineCommand({
  meta: { name: 'start', description: 'Run the box office: PostgreSQL, API and jobs, until Ctrl-C' },
  args: {
    port: { type: 'string', description: 'where to listen; 0 takes a free one (PORT, 54321)' },
    demo: {
      type: 'boolean',
      default: true,
      description: 'on an empty database, open a demo event',
      negativeDescription: 'no demo event',
    },
  },
  run: async ({ args }) => {
    const config = readConfig(args.port === undefined ? {} : { PORT: args.port })
    const office = await openBoxOffice(config, args.demo)
    // Before it says how: who is quick is heard too.
    const stopped = untilStopped()
    announce(office, config)
    // A parent that started this as its child (`prove`) learns the address.
    process.send?.({ url: office.listening.url })
    const lost = await Promise.race([stopped, office.lost])
    if (lost !== undefined) console.error(lost.message)
    console.log('\nstopping: finishing what was accepted …')
    await office.close()
    if (process.connected) process.disconnect()
    // Whatever is still open: all that was accepted is answered. A service manager starts one again that lost its database.
    process.exit(lost === undefined ? process.exitCode : COULD_NOT_RUN)
  },
})

interface BoxOffice {
  readonly listening: Listening
  readonly keys: ApiKeys
  readonly database: string
  readonly databaseUrl: string
  readonly durability: Durability
  readonly payments: Payments
  /** False where Supabase Auth has the users. */
  readonly hasOwnUsers: boolean
  /** The number of a key that signs from now on, beside others before it. */
  readonly newKey: number | undefined
  readonly hasDemo: boolean
  /** Why subscribers hear of no changes. */
  readonly missing: string | undefined
  /** Why PostgreSQL is gone for good; pending as long as it runs. */
  readonly lost: Promise<Error>
  close(): Promise<void>
}

/**
 * Teardown in reverse order: accepting ends, what was accepted is answered, jobs finish their round, the stand-in stops
 * delivering (what it has not delivered it sends after the next start), the connections close, PostgreSQL stops.
 */
async function openBoxOffice(config: Config, wantsDemo: boolean): Promise<BoxOffice> {
  const closing = openClosing()
  try {
    requirePublicUrl(config)
    const log = openLog(config.logLevel, () => new Date(), console.error)
    const onRestart = () => log('error', 'postgres_restarted', { next: `see ${dataFolderOf(config)}` })
    const used = useServer(config, dataFolderOf(config), { onRestart })
    const server = await closing.after(used, (it) => it.stop())
    const hasDemo = await withClient(server.url, (client) => prepare(client, wantsDemo))
    const watch = await closing.after(openWatch(log), async (it) => it.stop())
    const pools = await openPools(server.url, config, watch, closing)
    await requireInstalled(pools.database)
    const serving = await serve(config, pools, { log, watch, closing, databaseUrl: server.url })
    return {
      ...serving,
      database: `PostgreSQL ${pools.database.version} (${server.source})`,
      databaseUrl: server.url,
      durability: await tryCommit(pools.health, SERVICE),
      hasOwnUsers: await hasOwnUsers(pools.auth, SERVICE, {}),
      lost: server.lost ?? new Promise(() => {}),
      hasDemo,
      close: closing.close,
    }
  } catch (error) {
    await closing.close().catch(() => undefined)
    throw error
  }
}

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

interface Operation {
  readonly log: Log
  readonly watch: DatabaseWatch
  readonly closing: Closing
  readonly databaseUrl: string
}

/** Payments, jobs and the HTTP surface, in the order in which each needs the one before it. */
async function serve(config: Config, pools: Pools, { log, watch, closing, databaseUrl }: Operation) {
  const { database, ...laneDatabases } = pools
  let url: string | undefined
  const payments = await closing.after(
    openPayments(config, () => url, log),
    (it) => it.close(),
  )
  const metrics = openMetrics()
  const jobs = startJobs(laneDatabases.webhooks, payments.provider, log, metrics.jobs)
  await closing.after(jobs, (it) => it.stop())
  const jwtSecret = await jwtSecretOf(config)
  const authenticator = await openAuthenticator(
    jwtSecret,
    config.tokenRules,
    undefined,
    signingOf(config.signing),
  )
  const mailer = await closing.after(mailerOf(config, log), async (it) => it?.close())
  const signer = await closing.after(serveSigner(await ticketKeyOf(config), laneDatabases.gates, log), (it) =>
    it.stop(),
  )
  const { codes } = signer
  const auth = { secret: jwtSecret, mailer, rules: config.auth.rules }
  const options = { ...appOptions(config, payments), auth, openapi: openapiTask(), ownUrl: () => url }
  const realtime = await openRealtime({
    database: pools.realtime,
    databaseUrl: config.replicationUrl ?? databaseUrl,
    authenticator,
    log,
    findClient: clientFinder({ header: config.clientAddressHeader, trusted: config.trustedProxies }),
    limits: config.sockets,
  })
  // Cold start: nobody waits for it later; where the database is away just now, the first request reads it.
  const catalogue = catalogueOf(laneDatabases)
  await catalogue.relations().catch(() => undefined)
  if (realtime.obstacle !== undefined) log('warn', 'realtime_without_changes', { message: realtime.obstacle })
  const app = buildApp({
    database,
    laneDatabases,
    watch,
    metrics,
    authenticator,
    codes,
    realtime,
    catalogue,
    ...options,
  })
  const listening = await closing.after(listen(app, { ...config, upgrade: realtime.upgrade }), (it) =>
    it.close(),
  )
  // Sockets go first: the server waits for its connections.
  await closing.after(realtime, (it) => it.close())
  url = listening.url
  const newKey = signer.isNew && codes.kid > 1 ? codes.kid : undefined
  return { listening, keys: authenticator.keys, payments, newKey, missing: realtime.obstacle }
}

/** Without it a request's own Host header would say where buyers are sent, with the secret of their order. */
function requirePublicUrl(config: Config): void {
  const { publicUrl, stripe, clientAddressHeader, allowedRedirects } = config
  const why = [
    [stripe?.isLive === true, 'real money moves'],
    [isPublic(config), `HOST is ${config.host}`],
    [clientAddressHeader !== undefined, 'a proxy stands before this server'],
    [allowedRedirects.length > 0, 'ALLOWED_REDIRECTS is set'],
  ].find(([is]) => is)
  if (publicUrl === undefined && why !== undefined) {
    throw new CommandError(
      `PUBLIC_URL is needed, as ${why[1]}: where buyers reach this server, such as https://tickets.example.org.`,
    )
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

function limitsOf({ rateLimit, auth, places, arrivingMax, arrivingPerAddress, bodyBytesMax }: Config) {
  const limits = { authPerMinute: auth.perMinute, places, arrivingMax, arrivingPerAddress, bodyBytesMax }
  if (rateLimit === undefined) return limits
  // Asked for by name, it holds for callers on this machine too.
  return { ...limits, perSecond: rateLimit, burst: rateLimit * BURST_SECONDS, limitLoopback: true }
}

const BURST_SECONDS = 5

async function prepare(client: pg.Client, wantsDemo: boolean): Promise<boolean> {
  // Before the update too: it makes triggers anew, and what was sold while one was missing would go unseen.
  await refuseUnprotected(client)
  await migrate(client)
  await refuseUnprotected(client)
  return wantsDemo && openDemo(client)
}

const MEND_SETTING = 'Change these settings of PostgreSQL, and start: answers would not outlive a crash.'

const MEND =
  'First run `admit-once check`: it shows what was sold wrongly meanwhile. Then `admit-once migrate` makes the protections again, and start.'

/** Selling with a protection missing would be selling on luck: the server does not start. */
async function refuseUnprotected(client: pg.Client): Promise<void> {
  const installed = await client.query<{ yes: boolean }>(`select ${IS_INSTALLED} as yes`)
  if (installed.rows[0]?.yes !== true) return
  const protections = await verifyProtections(runOnClient(client), LOGIN, {})
  const missing = protections.filter(({ active }) => !active)
  if (missing.length === 0) return
  const names = missing.map((row) => `  ${row.protection} on ${row.object}: ${row.detail}`)
  const isSetting = missing.every(({ kind }) => kind === 'setting')
  throw new CommandError(
    `Not selling: protections are not in place.\n${names.join('\n')}\n${isSetting ? MEND_SETTING : MEND}`,
  )
}

function announce(office: BoxOffice, config: Config): void {
  const { listening, keys, database, durability, payments, newKey, hasDemo } = office
  const url = config.publicUrl ?? listening.url
  const warnings = [payments.warning, losesAtFailover(durability) ? LOSES_AT_FAILOVER : undefined]
  const variables = Object.entries(payments.variables).map(([name, value]) => `  ${name}=${value}`)
  const lines = [
    '',
    '  Admit Once is open.',
    '',
    `  URL          ${url}${url === listening.url ? '' : ` (listens on ${listening.url})`}`,
    `  database     ${database}`,
    ...databaseLines(office, config),
    `  payments     ${payments.described}`,
    `  sign-in      ${signInLine(office, config)}`,
    `  realtime     ${office.missing === undefined ? '/realtime/v1' : `without changes of tables: ${office.missing}`}`,
    ...keyLines(keys, config),
    ...(newKey === undefined ? [] : ['', ...newKeyLines(newKey, config)]),
    ...(variables.length > 0 ? ['', '  For scripts that pay or send webhooks:', ...variables] : []),
    ...(hasDemo ? ['', demoOrder(url)] : []),
    ...warnings.flatMap((warning) => (warning === undefined ? [] : ['', `  WARNING: ${warning}`])),
    '',
    '  Ctrl-C stops it.',
  ]
  console.log(lines.join('\n'))
}

/** What psql is given: our own server has another port at each start. Its password is shown at a terminal only. */
function databaseLines({ databaseUrl }: BoxOffice, config: Config): string[] {
  if (config.databaseUrl !== undefined || !process.stdout.isTTY) return []
  return [`               ${databaseUrl}`]
}

function signInLine({ hasOwnUsers: isOwn }: BoxOffice, { auth }: Config): string {
  if (!isOwn) return "Supabase Auth's, at the project's own URL"
  return auth.smtpUrl === undefined ? '/auth/v1 (no SMTP_URL: codes are printed here)' : '/auth/v1'
}

/** Where real orders are made, keys are shown to a person at a terminal, and kept out of what services log. */
function keyLines(keys: ApiKeys, { stripe, home }: Config): string[] {
  if (stripe !== undefined && !process.stdout.isTTY) {
    return [`  keys         made of JWT_SECRET or ${home}/jwt-secret; shown at a terminal only`]
  }
  return [
    `  anon key     ${keys.publishable}`,
    `  secret key   ${keys.secret}`,
    '',
    '  The same as JWTs, for older clients:',
    `  anon         ${keys.anon}`,
    `  service_role ${keys.serviceRole}`,
  ]
}

function newKeyLines(kid: number, { ticketSigningKey, home }: Config): string[] {
  const kept =
    ticketSigningKey === undefined
      ? `It is in ${home}/ticket-key: keep that folder, or set TICKET_SIGNING_KEY. There can be 255 keys.`
      : 'What the keys before it signed still admits.'
  return [`  A new key signs codes, number ${kid}. ${kept}`]
}

function demoOrder(url: string): string {
  return `  Buy tickets of the demo event in a browser:
  ${url}/events/${DEMO.slug}
  Card 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined.

  Or order two free ones:
  curl ${url}/functions/v1/create-ticket-checkout \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: ${randomUUID()}' \\
    -d '{"eventId":"${DEMO.slug}","items":[{"tierId":"${DEMO.freeTier}","quantity":2}],
         "customerName":"Ada","customerEmail":"ada@example.org"}'`
}

/** Ctrl-C, a service manager's stop, or the end of the parent or of what started us for somebody. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('disconnect', resolve)
    onInterrupt(['SIGINT', 'SIGTERM'], resolve)
    onWrappersGone(resolve)
  })
}
