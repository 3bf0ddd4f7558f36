import { openLoad } from '../load/process.ts'
import { FRESH_KEY, postOf } from '../load/request.ts'
import type { BenchShop, Contestant, Experiment, Question, RatioSpec, World } from '../question.ts'
import { httpContestant, openTiers, paymentLedger, ticketLedger } from '../sale.ts'

const FREE_USERS = [10, 50, 200] as const
const FREE_USERS_MOST = 200
const PAID_USERS = [10, 50] as const
const PAID_USERS_MOST = 50
const PRICE_CENTS = 2500

const RATIOS: readonly RatioSpec[] = [
  {
    name: 'free_200_over_10',
    label: 'free orders: 200 users : 10 users',
    of: ['free_200', 'free_10'],
    target: { atLeast: 1 },
  },
  {
    name: 'free_200_over_50',
    label: 'free orders: 200 users : 50 users',
    of: ['free_200', 'free_50'],
    target: { atLeast: 1 },
  },
  { name: 'paid_50_over_10', label: 'paid orders: 50 users : 10 users', of: ['paid_50', 'paid_10'] },
  { name: 'paid_over_free', label: '50 users: paid orders : free orders', of: ['paid_50', 'free_50'] },
]

/** Orders of one ticket of one tier, from the first request until the tickets are issued. */
export const checkout: Question = {
  name: 'checkout',
  asks: 'How many orders a second become tickets, free ones and paid ones, end to end over HTTP?',
  seconds: 3,
  ratios: RATIOS,
  open: async (world) => {
    const database = await world.openDatabase()
    const free = FREE_USERS.map((users) => ({
      name: `free_${users}`,
      label: `free orders, ${users} users`,
      users,
    }))
    const paid = PAID_USERS.map((users) => ({
      name: `paid_${users}`,
      label: `paid orders, ${users} users`,
      users,
    }))
    const all = [...free, ...paid]
    const tierOf = await openTiers(
      database,
      all.map(({ name }) => name.replace('_', '-')),
      (slug) => (slug.startsWith('paid') ? PRICE_CENTS : 0),
    )
    const shop = await world.startShop(database.url)
    const orders = all.map((one) => ({ ...one, tierId: tierOf(one.name.replace('_', '-')) }))
    const parts = [
      await openFree(world, shop, orders.slice(0, free.length)),
      await openPaid(world, shop, orders.slice(free.length)),
    ]
    return {
      contestants: parts.flat(),
      ledgers: [
        ...orders.map(({ name, label, tierId }) => ticketLedger(database, [tierId], label, [name])),
        paymentLedger(
          database,
          shop,
          paid.map(({ name }) => name),
        ),
      ],
      serverPid: () => shop.pid,
    } satisfies Experiment
  },
}

interface Ordering {
  readonly name: string
  readonly label: string
  readonly users: number
  readonly tierId: string
}

/** One request an order: its tickets are in the answer. */
async function openFree(
  world: World,
  { url }: BenchShop,
  all: readonly Ordering[],
): Promise<readonly Contestant[]> {
  const load = await world.keep(openLoad('http'), (it) => it.close())
  return all.map(({ tierId, users, ...one }) =>
    httpContestant(load, url, { ...one, warmsUp: users === FREE_USERS_MOST }, () => ({
      requests: [orderOf(world, url, 'create-ticket-checkout', { items: [{ tierId, quantity: 1 }] })],
      users,
      status: 200,
      success: '"tickets":[{',
    })),
  )
}

/** A payment session, the provider's page, its webhook, and the buyer who asks until the order is complete. */
async function openPaid(
  world: World,
  { url, standIn }: BenchShop,
  all: readonly Ordering[],
): Promise<readonly Contestant[]> {
  const load = await world.keep(openLoad('paid'), (it) => it.close())
  return all.map(({ name, label, tierId, users }) => ({
    name,
    label,
    warmsUp: users === PAID_USERS_MOST,
    run: async ({ seconds, signal }) => {
      const tickets = [{ ticketTypeId: tierId, quantity: 1 }]
      const request = orderOf(world, url, 'create-checkout-session', { tickets })
      const order = { url, providerUrl: standIn.url, key: world.anonKey, checkout: request, users, seconds }
      const before = process.cpuUsage()
      const { cpuSeconds, ...came } = await load.run(order, signal)
      const provider = process.cpuUsage(before)
      const loadCpuSeconds = cpuSeconds + (provider.user + provider.system) / 1e6
      return { ...came, seconds, loadCpuSeconds }
    },
  }))
}

/** A guest's order, each time under a key of its own. */
function orderOf({ anonKey }: World, url: string, name: string, cart: object): string {
  const sender = {
    url,
    path: `/functions/v1/${name}`,
    key: anonKey,
    headers: { 'Idempotency-Key': FRESH_KEY },
  }
  const guest = { customerName: 'Ada Buyer', customerEmail: 'ada@example.org' }
  return postOf(sender, { eventId: 'bench', ...cart, ...guest })
}
