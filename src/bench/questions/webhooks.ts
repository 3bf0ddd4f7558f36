import type { HttpLoad } from '../load/orders.ts'
import { type LoadProcess, openLoad } from '../load/process.ts'
import { paidReport, placeOrders } from '../pending-orders.ts'
import type { Contestant, Question, RatioSpec } from '../question.ts'
import { httpContestant, openTiers, ticketLedger } from '../sale.ts'

const CONNECTIONS = [10, 50] as const
const CONNECTIONS_MOST = 50
const PRICE_CENTS = 2500
/** Orders that wait for their event in a second of a window: one that is taken sooner ends when all are. */
const PER_SECOND = 500
const SEEN_BEFORE = 100

const RATIOS: readonly RatioSpec[] = [
  {
    name: 'events_50_over_10',
    label: 'events: 50 connections : 10',
    of: ['events_50', 'events_10'],
  },
  ...CONNECTIONS.map((users) => ({
    name: `duplicates_${users}_over_events`,
    label: `${users} connections: duplicates : events`,
    of: [`duplicates_${users}`, `events_${users}`] as const,
  })),
]

/** A payment provider that reports what was paid during an on-sale, and reports some of it again. */
export const webhooks: Question = {
  name: 'webhooks',
  asks: 'How many signed events of paid orders does a server take a second, and of those that it has seen before?',
  seconds: 3,
  ratios: RATIOS,
  open: async (world) => {
    const database = await world.openDatabase()
    const all = CONNECTIONS.flatMap((users) =>
      (['events', 'duplicates'] as const).map((kind) => ({
        kind,
        users,
        name: `${kind}_${users}`,
        label: `${kind}, ${users} connections`,
      })),
    )
    const tierOf = await openTiers(
      database,
      all.map(({ name }) => slugOf(name)),
      () => PRICE_CENTS,
    )
    const shop = await world.startShop(database.url)
    const load = await world.keep(openLoad('http'), (it) => it.close())
    const contestants = all.map(({ kind, name, ...one }) => {
      const place = async (count: number) =>
        (await placeOrders(database, tierOf(slugOf(name)), count)).map((order) => paidReport(shop, order))
      return SENDING[kind](load, shop.url, { ...one, name, place })
    })
    return {
      contestants,
      ledgers: all.map(({ name, label }) => ticketLedger(database, [tierOf(slugOf(name))], label, [name])),
      serverPid: () => shop.pid,
    }
  },
}

function slugOf(name: string): string {
  return name.replace('_', '-')
}

interface Sender {
  readonly name: string
  readonly label: string
  readonly users: number
  /** Places orders, and gives what reports each as paid. */
  place(count: number): Promise<readonly string[]>
}

type Send = (load: LoadProcess<HttpLoad>, url: string, sender: Sender) => Contestant

const SENDING: Readonly<Record<'events' | 'duplicates', Send>> = { events, duplicates }

function events(load: LoadProcess<HttpLoad>, url: string, { name, label, users, place }: Sender): Contestant {
  let requests: readonly string[] = []
  return httpContestant(
    load,
    url,
    { name, label, warmsUp: users === CONNECTIONS_MOST },
    () => ({ requests, users, status: 200, success: '"received":true', isOnce: true }),
    async ({ seconds }) => {
      requests = await place(seconds * PER_SECOND)
    },
  )
}

/** Each was sent for the first time before the window; only that has rows. */
function duplicates(load: LoadProcess<HttpLoad>, url: string, sender: Sender): Contestant {
  const { name, label, users, place } = sender
  let requests: readonly string[] = []
  const first = events(load, url, {
    ...sender,
    place: async () => {
      requests = await place(SEEN_BEFORE)
      return requests
    },
  })
  const again = httpContestant(
    load,
    url,
    { name, label, warmsUp: users === CONNECTIONS_MOST },
    () => ({ requests, users, status: 200, success: '"duplicate":true' }),
    async (window) => {
      await first.prepare?.(window)
      await first.run({ ...window, seconds: FIRST_SECONDS_MAX })
    },
  )
  return { ...again, run: async (window) => ({ ...(await again.run(window)), answered: SEEN_BEFORE }) }
}

const FIRST_SECONDS_MAX = 60
