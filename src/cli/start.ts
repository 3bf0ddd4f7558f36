import { randomUUID } from 'node:crypto'
import { defineCommand } from 'citty'
import type pg from 'pg'
import { buildApp } from '../api/app.ts'
import { openGate } from '../api/callers.ts'
import type { ApiKeys } from '../api/keys.ts'
import { type Listening, listen } from '../api/listen.ts'
import { type Config, dataFolderOf, readConfig } from '../config.ts'
import { migrate } from '../db/migrate.ts'
import { openPool, requireInstalled } from '../db/pool.ts'
import { startJobs } from '../jobs/jobs.ts'
import { openLog } from '../jobs/log.ts'
import { serveCodes } from './codes.ts'
import { useServer, withClient } from './database.ts'
import { DEMO, openDemo } from './demo.ts'
import { CommandError } from './failure.ts'
import { openPayments, type Payments } from './payments.ts'
import { jwtSecretOf, ticketKeyOf } from './secrets.ts'

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
    announce(office)
    // A parent that started this as its child (`prove`) learns the address.
    process.send?.({ url: office.listening.url })
    await untilStopped()
    console.log('\nstopping: finishing what was accepted …')
    await office.close()
    if (process.connected) process.disconnect()
  },
})

interface BoxOffice {
  readonly listening: Listening
  readonly keys: ApiKeys
  readonly database: string
  readonly payments: Payments
  readonly hasDemo: boolean
  close(): Promise<void>
}

/** Connections of the server's pools: more only wait for each other at a hot tier. Buyers cannot take those of payments. */
const BUYERS_POOL_MAX = 20
const PAYMENTS_POOL_MAX = 6

/**
 * What is opened first is closed last: accepting ends, what was accepted is answered, jobs finish their round, the stand-in
 * stops delivering (what it has not delivered it sends after the next start), the connections close, PostgreSQL stops.
 */
async function openBoxOffice(config: Config, wantsDemo: boolean): Promise<BoxOffice> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    const failed: unknown[] = []
    // One that fails does not keep the others up.
    for (const closer of closers.splice(0).reverse()) await closer().catch((error) => failed.push(error))
    if (failed.length > 0) throw failed[0]
  }
  const opened = async <T>(work: Promise<T>, end: (part: T) => Promise<void>): Promise<T> => {
    const part = await work
    closers.push(() => end(part))
    return part
  }
  try {
    const server = await opened(useServer(config, dataFolderOf(config)), (it) => it.stop())
    const hasDemo = await withClient(server.url, (client) => prepare(client, wantsDemo))
    const pool = (max: number, name: string) =>
      opened(openPool(server.url, { max, name }), (it) => it.close())
    const database = await pool(BUYERS_POOL_MAX, 'admit-one')
    const paymentsDatabase = await pool(PAYMENTS_POOL_MAX, 'admit-one payments')
    await requireInstalled(database)
    const log = openLog(config.logLevel, console.error)
    let url: string | undefined
    const payments = await opened(
      openPayments(config, () => url, log),
      (it) => it.close(),
    )
    await opened(Promise.resolve(startJobs(paymentsDatabase, payments.provider, log)), (it) => it.stop())
    const gate = await openGate(await jwtSecretOf(config))
    const codes = await serveCodes(await ticketKeyOf(config), paymentsDatabase)
    const app = buildApp({ database, paymentsDatabase, gate, codes, ...appOptions(config, payments) })
    const listening = await opened(listen(app, config), (it) => it.close())
    url = listening.url
    const described = `PostgreSQL ${database.version} (${server.source})`
    return { listening, keys: gate.keys, database: described, payments, hasDemo, close }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

function appOptions(config: Config, { provider, mounts }: Payments) {
  const { publicUrl, allowedRedirects, logLevel, rateLimit, clientAddressHeader } = config
  return {
    payments: provider,
    mounts,
    allowedRedirects,
    logLevel,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(rateLimit === undefined
      ? {}
      : // Asked for by name, it holds for callers on this machine too.
        { limits: { perSecond: rateLimit, burst: rateLimit * BURST_SECONDS, limitLoopback: true } }),
    ...(clientAddressHeader === undefined ? {} : { clientAddressHeader }),
  }
}

const BURST_SECONDS = 5

async function prepare(client: pg.Client, wantsDemo: boolean): Promise<boolean> {
  // Before the update too: it makes triggers anew, and what was sold while one was missing would go unseen.
  await refuseUnprotected(client)
  await migrate(client)
  await refuseUnprotected(client)
  return wantsDemo && openDemo(client)
}

const MEND =
  'First run `admit-one check`: it shows what was sold wrongly meanwhile. Then `admit-one migrate` makes the protections again, and start.'

/** Selling with a protection missing would be selling on luck: the server does not start. */
async function refuseUnprotected(client: pg.Client): Promise<void> {
  const installed = await client.query<{ yes: boolean }>(
    `select to_regprocedure('public.verify_protections()') is not null as yes`,
  )
  if (installed.rows[0]?.yes !== true) return
  const missing = await client.query<{ protection: string; object: string; detail: string }>(
    'select protection, object, detail from verify_protections() where not active',
  )
  if (missing.rows.length === 0) return
  const names = missing.rows.map((row) => `  ${row.protection} on ${row.object}: ${row.detail}`)
  throw new CommandError(`Not selling: protections are not in place.\n${names.join('\n')}\n${MEND}`)
}

function announce({ listening: { url }, keys, database, payments, hasDemo }: BoxOffice): void {
  const variables = Object.entries(payments.variables).map(([name, value]) => `  ${name}=${value}`)
  console.log(`
  Admit One is open.

  URL          ${url}
  database     ${database}
  payments     ${payments.described}
  anon key     ${keys.publishable}
  secret key   ${keys.secret}

  The same as JWTs, for older clients:
  anon         ${keys.anon}
  service_role ${keys.serviceRole}`)
  if (variables.length > 0) console.log(`\n  For scripts that pay or send webhooks:\n${variables.join('\n')}`)
  if (payments.warning !== undefined) console.log(`\n  ! ${payments.warning}`)
  if (hasDemo) console.log(`\n${demoOrder(url)}`)
  console.log('\n  Ctrl-C stops it.')
}

function demoOrder(url: string): string {
  return `  Buy tickets of the demo event in a browser:
  ${url}/events/${DEMO.slug}

  Or order two free ones:
  curl ${url}/functions/v1/create-ticket-checkout \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: ${randomUUID()}' \\
    -d '{"eventId":"${DEMO.slug}","items":[{"tierId":"${DEMO.freeTier}","quantity":2}],
         "customerName":"Ada","customerEmail":"ada@example.org"}'`
}

/** Ctrl-C, a service manager's stop, or the end of the parent; a second Ctrl-C is the terminal's way of insisting. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('disconnect', resolve)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve()
      })
    }
  })
}
