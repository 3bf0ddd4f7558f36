import { Hono } from 'hono'
import type { Database } from '../db/pool.ts'
import { type Level, openLog } from '../jobs/log.ts'
import type { PaymentProvider } from '../payments/provider.ts'
import { LIMITS, type Limits, openAdmission } from './admission.ts'
import type { Gate } from './callers.ts'
import type { Codes } from './codes.ts'
import { openFront, type Task } from './front.ts'
import { type EdgeFunction, type PaymentMode, Refusal, refusalReply } from './functions/contract.ts'
import { functionTask } from './functions/handler.ts'
import { functions as registry } from './functions/index.ts'
import { mountPages } from './pages/pages.ts'
import { restTasks } from './rest/handler.ts'

export interface AppOptions {
  readonly database: Database
  readonly gate: Gate
  /** Signs the codes of tickets, claims and bookings. */
  readonly codes: Codes
  /** Where people reach this server; by default the host that each request names. */
  readonly publicUrl?: string
  /** Who takes the money; without one only free tickets can be ordered. */
  readonly payments?: PaymentProvider
  /** Connections for webhooks and health checks that buyers cannot take; by default the same ones. */
  readonly paymentsDatabase?: Database
  /** Origins that buyers may be sent to after paying; none listed: any. */
  readonly allowedRedirects?: readonly string[]
  /** Other servers behind this one, by the first segment of the path; their answers go out as they are. */
  readonly mounts?: ReadonlyMap<string, (request: Request) => Promise<Response>>
  readonly functions?: ReadonlyMap<string, EdgeFunction>
  readonly limits?: Partial<Limits>
  /** The header in which a proxy names the client, such as `x-forwarded-for`; only where one stands before us. */
  readonly clientAddressHeader?: string
  /** Gets one JSON line for each request as grave as `logLevel`, `warn` by default; goes to standard error unless told. */
  readonly log?: (line: string) => void
  readonly logLevel?: Level
}

/** The whole HTTP surface, apart from listening. */
export function buildApp(options: AppOptions): Hono {
  const app = new Hono()
  for (const [segment, answer] of options.mounts ?? []) {
    for (const path of [`/${segment}`, `/${segment}/*`]) app.all(path, (c) => answer(c.req.raw))
  }
  const front = openFront(
    openLog(options.logLevel ?? 'warn', options.log ?? console.error),
    openAdmission({ ...LIMITS, ...options.limits }),
    options.clientAddressHeader,
  )
  const rest = restTasks(options.database, options.gate)
  app.all('/rest/v1/rpc/:name', (c) => front(c, rest.rpc(c.req.param('name'))))
  app.all('/rest/v1/*', (c) => front(c, rest.table()))
  const room = roomOf(options)
  app.all('/functions/v1/:name', (c) => front(c, functionTask(c.req.param('name'), room)))
  mountPages(app, front, room)
  app.all('*', (c) => front(c, nothing))
  return app
}

function roomOf(options: AppOptions) {
  const { database, gate, codes, publicUrl, payments, paymentsDatabase = database } = options
  return {
    database,
    paymentsDatabase,
    gate,
    codes,
    publicUrl: publicUrl?.replace(/\/+$/, ''),
    functions: options.functions ?? registry,
    ...(payments === undefined ? {} : { payments }),
    paymentMode: paymentModeOf(options),
    allowedRedirects: options.allowedRedirects ?? [],
  }
}

function paymentModeOf({ payments, mounts }: AppOptions): PaymentMode {
  if (payments === undefined) return 'none'
  if (payments.livemode) return 'live'
  return mounts?.has('stand-in') ? 'stand-in' : 'test'
}

const nothing: Task = {
  lane: 'buyers',
  path: '*',
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  refuse: (code) => refusalReply(new Refusal(code)),
  answer: async () => refusalReply(new Refusal('NOT_FOUND')),
}
