import type { Adapter, Order, Payment } from '../../src/adapter/index.ts'
import type { Results } from '../../src/proof/results.ts'
import { TARGET_PROFILES, type TargetProfile } from '../../src/proof/target/profiles.ts'
import { proveTarget } from '../../src/proof/target/prove-target.ts'
import { scenariosOf } from '../../src/proof/target/scenarios/index.ts'
import type { Target } from '../../src/proof/target/target.ts'

/** As few buyers as can still be told everything. */
const FEW: TargetProfile = {
  ...TARGET_PROFILES.quick,
  buyers: 8,
  units: 3,
  ladder: [2],
  twins: 2,
  singles: 4,
  payments: { orders: 2, events: 3 },
}

export interface ProofOptions {
  readonly urls?: readonly string[]
  readonly profile?: TargetProfile
  /** All where it is left out. */
  readonly scenario?: string
  readonly file?: string
  readonly env?: Target['env']
  readonly sql?: NonNullable<Target['sql']>
}

/** An adapter's system under proof, in this process. */
export function proofOf<Item, Cart>(
  adapter: Adapter<Item, Cart>,
  options: ProofOptions = {},
): Promise<Results> {
  const { urls = adapter.urls, profile = FEW, scenario, file = 'adapter.ts', env = {}, sql } = options
  return proveTarget({
    target: {
      adapter: adapter as Adapter<unknown, unknown>,
      file,
      urls,
      env,
      sql,
      profile,
      runId: `test${++runs}`,
      traffic: { origins: new Set(), requestsMax: 10_000, requests: 0 },
      signal: new AbortController().signal,
      faults: [],
      reproduce: (name) => `prove ${name}`,
    },
    scenarios: scenariosOf(profile).filter(({ name }) => scenario === undefined || name === scenario),
    run: { id: 'test', command: 'prove', version: '0.0.0', startedAt: new Date() },
    seed: 0,
    clock: () => new Date(),
    onWork: () => {},
    onEnd: () => {},
  })
}

let runs = 0

export function verdictsOf({ guarantees }: Results): Record<string, string> {
  return Object.fromEntries(guarantees.map(({ name, verdict }) => [name, verdict]))
}

/** An item of a shop that lives in this process. */
export interface Stock {
  readonly units: number
  readonly orders: Map<string, Order>
  readonly payments: Payment[]
  /** Carts that hold a unit. */
  readonly held: Set<string>
}

/** A shop that keeps every promise, without a server: its functions are where faults are put in. */
export function soundShop(changes: Partial<Adapter<Stock, string>> = {}): Adapter<Stock, string> {
  return {
    name: 'A shop in memory',
    urls: ['http://127.0.0.1:9'],
    holds: { minutes: 10 },
    retry: { means: 'sameOrder', key: 'cart' },
    prepare: async ({ units }) => ({ units, orders: new Map(), payments: [], held: new Set() }),
    open: async ({ item, buyer }) => {
      if (item.orders.size + item.held.size >= item.units) return { outcome: 'soldOut', answer: 'none left' }
      item.held.add(buyer.key)
      return { outcome: 'open', cart: buyer.key }
    },
    commit: async ({ item, buyer, cart }) => {
      if (item.held.delete(cart))
        item.orders.set(cart, { id: `order-${cart}`, buyer: buyer.email, tickets: [cart], cents: 100 })
      const order = item.orders.get(cart)
      return order === undefined
        ? { outcome: 'refused', answer: 'no cart' }
        : { outcome: 'sold', order: order.id }
    },
    truth: async ({ item }) => ({
      orders: [...item.orders.values()],
      payments: item.payments,
      left: item.units - item.orders.size - item.held.size,
    }),
    release: async ({ item, cart }) => {
      item.held.delete(cart)
    },
    cancel: async ({ item, cart }) => {
      item.orders.delete(cart)
    },
    pay: async ({ item, order }) => {
      if (item.payments.every((payment) => payment.order !== order))
        item.payments.push({ id: `payment-${order}`, order, cents: 100 })
    },
    cleanup: async ({ item }) => {
      item.orders.clear()
    },
    ...changes,
  }
}
