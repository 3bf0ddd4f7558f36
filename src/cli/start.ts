import { randomUUID } from 'node:crypto'
import { defineCommand } from 'citty'
import type pg from 'pg'
import { buildApp } from '../api/app.ts'
import { openGate } from '../api/callers.ts'
import type { ApiKeys } from '../api/keys.ts'
import { type Listening, listen } from '../api/listen.ts'
import { type Config, dataFolderOf, readConfig } from '../config.ts'
import { migrate } from '../db/migrate.ts'
import { type Database, openPool, requireInstalled } from '../db/pool.ts'
import { expireHolds } from '../jobs/expire-holds.ts'
import { useServer, withClient } from './database.ts'
import { CommandError } from './failure.ts'
import { jwtSecretOf } from './secrets.ts'

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
  readonly demo: string | undefined
  close(): Promise<void>
}

/** Connections of the server's pool: more only wait for each other at a hot tier. */
const POOL_MAX = 20

async function openBoxOffice(config: Config, wantsDemo: boolean): Promise<BoxOffice> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const server = await useServer(config, dataFolderOf(config))
    closers.push(() => server.stop())
    const demo = await withClient(server.url, async (client) => {
      // Before the update too: it makes triggers anew, and what was sold while one was missing would go unseen.
      await refuseUnprotected(client)
      await migrate(client)
      await refuseUnprotected(client)
      return wantsDemo ? openDemo(client) : undefined
    })
    const database = await openPool(server.url, { max: POOL_MAX, name: 'admit-one' })
    closers.push(() => database.close())
    await requireInstalled(database)
    const gate = await openGate(await jwtSecretOf(config))
    const listening = await serve(config, database, gate)
    closers.push(() => listening.close())
    const job = expireHolds(database, (error) =>
      console.error(`expiring holds failed, next try soon: ${error}`),
    )
    closers.push(() => job.stop())
    const described = `PostgreSQL ${database.version} (${server.source})`
    return { listening, keys: gate.keys, database: described, demo, close }
  } catch (error) {
    await close()
    throw error
  }
}

function serve(
  config: Config,
  database: Database,
  gate: Awaited<ReturnType<typeof openGate>>,
): Promise<Listening> {
  const { host, port, publicUrl } = config
  return listen(buildApp({ database, gate, ...(publicUrl === undefined ? {} : { publicUrl }) }), {
    host,
    port,
  })
}

const MEND =
  '`admit-one check` says whether anything went wrong meanwhile; `admit-one migrate` makes them again; then start.'

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

/** On a database without any event: one that can be ordered from at once. Gives its slug. */
async function openDemo(client: pg.Client): Promise<string | undefined> {
  const slug = 'summer-night'
  const made = await client.query(
    `with b as (insert into businesses (slug, name) select 'demo-house', 'Demo House'
                where not exists (select from events) returning id),
          e as (insert into events (business_id, slug, title, description, start_at, end_at, venue, city, status)
                select id, $1, 'Summer Night', 'A demo event: order as many as you like.',
                  date_trunc('day', now()) + interval '30 days 20 hours', date_trunc('day', now()) + interval '31 days',
                  'Open Air Stage', 'Springfield', 'published' from b returning id)
     insert into ticket_tiers (event_id, slug, name, total_quantity) select id, 'general-admission', 'General admission', 500 from e`,
    [slug],
  )
  return made.rowCount === 0 ? undefined : slug
}

function announce({ listening, keys, database, demo }: BoxOffice): void {
  console.log(`
  Admit One is open.

  URL          ${listening.url}
  database     ${database}
  anon key     ${keys.publishable}
  secret key   ${keys.secret}

  The same as JWTs, for older clients:
  anon         ${keys.anon}
  service_role ${keys.serviceRole}`)
  if (demo !== undefined) console.log(`\n${demoOrder(listening.url, demo)}`)
  console.log('\n  Ctrl-C stops it.')
}

function demoOrder(url: string, slug: string): string {
  return `  Order two free tickets of the demo event:
  curl ${url}/functions/v1/create-ticket-checkout \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: ${randomUUID()}' \\
    -d '{"eventId":"${slug}","items":[{"tierId":"general-admission","quantity":2}],
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
