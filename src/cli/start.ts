import { defineCommand } from 'citty'
import type pg from 'pg'
import { listen } from '../api/listen.ts'
import { type Config, dataFolderOf, readConfig } from '../config.ts'
import { type Log, openLog } from '../core/log.ts'
import { migrate } from '../db/migrate.ts'
import { IS_INSTALLED, runOnClient } from '../db/pool.ts'
import { LOGIN } from '../desk/callers.ts'
import { verifyProtections } from '../desk/protections.ts'
import { announce, type BoxOffice } from './announce.ts'
import { type Closing, openClosing } from './closing.ts'
import { useServer, withClient } from './database.ts'
import { openDemo } from './demo.ts'
import { COULD_NOT_RUN, CommandError } from './failure.ts'
import { onInterrupt } from './interrupt.ts'
import { isPublic, openPayments, type Payments } from './payments.ts'
import { openServing, type Serving } from './serving.ts'
import { openWorkers } from './workers.ts'
import { onWrappersGone } from './wrappers.ts'

export const start = defineCommand({
  meta: { name: 'start', description: 'Run the box office: PostgreSQL, API and jobs, until Ctrl-C' },
  args: {
    port: { type: 'string', description: 'where to listen; 0 takes a free one (PORT, 54321)' },
    workers: { type: 'string', description: 'processes that serve the port together (WORKERS, 1)' },
    demo: {
      type: 'boolean',
      default: true,
      description: 'on an empty database, open a demo event',
      negativeDescription: 'no demo event',
    },
  },
  run: async ({ args }) => {
    const config = readConfig({
      ...(args.port === undefined ? {} : { PORT: args.port }),
      ...(args.workers === undefined ? {} : { WORKERS: args.workers }),
    })
    const office = await openBoxOffice(config, args.demo)
    // Before it says how: who is quick is heard too.
    const stopped = untilStopped()
    announce(office, config)
    // A parent that started this as its child (`prove`) learns the address.
    process.send?.({ url: office.url })
    const lost = await Promise.race([stopped, office.lost])
    if (lost !== undefined) console.error(lost.message)
    console.log('\nstopping: finishing what was accepted …')
    await office.close()
    if (process.connected) process.disconnect()
    // Whatever is still open: all that was accepted is answered. A service manager starts one again that lost its database.
    process.exit(lost === undefined ? process.exitCode : COULD_NOT_RUN)
  },
})

interface OpenOffice extends BoxOffice {
  /** Why PostgreSQL, or every process that serves, is gone for good; pending as long as they run. */
  readonly lost: Promise<Error>
  close(): Promise<void>
}

/**
 * Teardown in reverse order: accepting ends, what was accepted is answered, jobs finish their round, the connections close, the
 * stand-in stops delivering (what it has not delivered it sends after the next start), PostgreSQL stops.
 */
async function openBoxOffice(config: Config, wantsDemo: boolean): Promise<OpenOffice> {
  const closing = openClosing()
  try {
    requirePublicUrl(config)
    const log = openLog(config.logLevel, () => new Date(), console.error)
    const onRestart = () => log('error', 'postgres_restarted', { next: `see ${dataFolderOf(config)}` })
    const used = useServer(config, dataFolderOf(config), { onRestart })
    const server = await closing.after(used, (it) => it.stop())
    const hasDemo = await withClient(server.url, (client) => prepare(client, wantsDemo))
    let url: string | undefined
    const payments = await closing.after(
      openPayments(config, () => url, log),
      (it) => it.close(),
    )
    const operation = { log, closing, payments, databaseUrl: server.url }
    const serving = await (config.workers > 1 ? serveByWorkers : serveHere)(config, operation)
    url = serving.url
    return {
      ...serving,
      payments,
      hasDemo,
      databaseUrl: server.url,
      source: server.source,
      lost: Promise.race([server.lost, serving.lost].filter((it) => it !== undefined)),
      close: closing.close,
    }
  } catch (error) {
    await closing.close().catch(() => undefined)
    throw error
  }
}

interface Operation {
  readonly log: Log
  readonly closing: Closing
  readonly payments: Payments
  readonly databaseUrl: string
}

type Served = Serving & { readonly lost?: Promise<Error> }

async function serveHere(config: Config, operation: Operation): Promise<Served> {
  return openServing(config, operation)
}

/** This process serves nobody; it has what there can be only one of. */
async function serveByWorkers(config: Config, operation: Operation): Promise<Served> {
  const { log, closing, payments, databaseUrl } = operation
  const [standIn] = payments.mounts.values()
  const listening = standIn && (await closing.after(listen({ fetch: standIn }), (it) => it.close()))
  const workers = await closing.after(
    openWorkers(config, { databaseUrl, standInUrl: listening?.url, log }),
    (it) => it.stop(),
  )
  return { ...workers.serving, lost: workers.lost }
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

/** Ctrl-C, a service manager's stop, or the end of the parent or of what started us for somebody. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('disconnect', resolve)
    onInterrupt(['SIGINT', 'SIGTERM'], resolve)
    onWrappersGone(resolve)
  })
}
