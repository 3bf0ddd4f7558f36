/** Vendure 3: buyers use its shop API, stock and orders come from its admin API. */
import type { Adapter, Call, HttpAnswer, Order, Payment, Refusal } from 'admit-once/adapter'
import { ADMIN, SHOP } from './queries.ts'

interface Item {
  readonly product: string
  readonly variant: string
  /** By the clock of Vendure's database. */
  readonly createdAt: string
  readonly shippingMethod: string
  readonly paymentMethod: string
  readonly adminToken: string
}

/** An anonymous session. Vendure names its token in a header, and knows the cart by it. */
interface Cart {
  readonly token: string
}

export const adapter: Adapter<Item, Cart> = {
  name: 'Vendure 3.7.3',
  urls: ['http://127.0.0.1:3000'],
  holds: 'none',
  // A paid order is no longer active: who sends the payment again is told that there is no order.
  retry: { means: 'refused', key: 'cart' },
  requestsPerCall: 5,
  // Two hundred buyers wait for one process.
  callSecondsMax: 300,

  prepare: async ({ http, env, name, units }) => {
    const adminToken = await signIn({ http, env })
    const { product } = await admin<{ product: Row }>(http, adminToken, ADMIN.createProduct, { name })
    const variables = { product: product.id, name, units }
    const { variants } = await admin<{ variants: Variant[] }>(
      http,
      adminToken,
      ADMIN.createVariant,
      variables,
    )
    const { shipping, payment } = await admin<Methods>(http, adminToken, ADMIN.methods)
    const [variant, shippingMethod, paymentMethod] = [variants[0], shipping.items[0], payment.items[0]]
    if (!variant || !shippingMethod || !paymentMethod)
      throw new Error('Vendure has no shipping method or no payment method')
    return {
      product: product.id,
      variant: variant.id,
      createdAt: variant.createdAt,
      shippingMethod: shippingMethod.id,
      paymentMethod: paymentMethod.code,
      adminToken,
    }
  },

  open: async ({ http, item, buyer }) => {
    const added = await http.post('/shop-api', { query: SHOP.addItem, variables: { variant: item.variant } })
    const token = added.headers['vendure-auth-token'] ?? ''
    const requests = [
      [SHOP.setCustomer, { email: buyer.email }],
      [SHOP.setAddress, {}],
      [SHOP.setShipping, { method: item.shippingMethod }],
      [SHOP.arrangePayment, {}],
    ] as const
    let last = resultOf(added)
    for (const [query, variables] of requests) {
      if (last.errorCode !== undefined) return refusalOf(last)
      last = resultOf(await http.post('/shop-api', { query, variables }, bearer(token)))
    }
    return last.errorCode === undefined ? { outcome: 'open', cart: { token } } : refusalOf(last)
  },

  commit: async ({ http, item, cart }) => {
    const variables = { method: item.paymentMethod }
    const paid = resultOf(await http.post('/shop-api', { query: SHOP.pay, variables }, bearer(cart.token)))
    if (paid.errorCode !== undefined) return refusalOf(paid)
    const answer = paid.state ?? 'no state'
    return paid.id !== undefined && answer === 'PaymentSettled'
      ? { outcome: 'sold', order: paid.id, answer }
      : { outcome: 'unknown', answer }
  },

  truth: async ({ http, item }) => {
    const rows = await ordersSince(http, item)
    const { variant } = await admin<{ variant: Stock }>(http, item.adminToken, ADMIN.stock, item)
    const living = rows.filter(({ state }) => LIVING.includes(state))
    return {
      orders: living.map((row) => orderOf(row, item)),
      payments: rows.flatMap(paymentsOf),
      left: variant.stockLevels.reduce((sum, level) => sum + level.stockOnHand - level.stockAllocated, 0),
    }
  },

  cancel: async ({ http, item, order }) => {
    const { result } = await admin<{ result: Result }>(http, item.adminToken, ADMIN.cancel, { order })
    if (result.errorCode !== undefined) throw new Error(result.message)
  },

  cleanup: async ({ http, item }) => {
    await admin(http, item.adminToken, ADMIN.deleteProduct, item)
  },
}

/** States in which an order has its units: it was placed, and was not cancelled. */
const LIVING = [
  'PaymentAuthorized',
  'PaymentSettled',
  'PartiallyShipped',
  'Shipped',
  'PartiallyDelivered',
  'Delivered',
]

interface Row {
  readonly id: string
}

interface Variant extends Row {
  readonly createdAt: string
}

interface Methods {
  readonly shipping: { readonly items: readonly Row[] }
  readonly payment: { readonly items: readonly { readonly code: string }[] }
}

interface Stock {
  readonly stockLevels: readonly { readonly stockOnHand: number; readonly stockAllocated: number }[]
}

interface OrderRow extends Row {
  readonly state: string
  readonly createdAt: string
  readonly orderPlacedAt: string | null
  readonly totalWithTax: number
  readonly customer: { readonly emailAddress: string } | null
  readonly lines: readonly { readonly quantity: number; readonly productVariant: Row }[]
  readonly payments:
    | readonly { readonly id: string; readonly state: string; readonly amount: number }[]
    | null
}

/** What a mutation gives: an order, or why there is none. */
interface Result {
  readonly id?: string
  readonly state?: string
  readonly errorCode?: string
  readonly message?: string
  readonly transitionError?: string
}

async function signIn({ http, env }: Pick<Call, 'http' | 'env'>): Promise<string> {
  const username = env['SUPERADMIN_USERNAME'] ?? 'superadmin'
  const password = env['SUPERADMIN_PASSWORD'] ?? 'superadmin'
  const answer = await http.post('/admin-api', { query: ADMIN.signIn, variables: { username, password } })
  const token = answer.headers['vendure-auth-token']
  if (token === undefined)
    throw new Error('Vendure let nobody in: look at SUPERADMIN_USERNAME and SUPERADMIN_PASSWORD')
  return token
}

interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]
}

async function admin<Data>(
  http: Call['http'],
  token: string,
  query: string,
  variables: object = {},
): Promise<Data> {
  const { data, errors } = (await http.post('/admin-api', { query, variables }, bearer(token))).json<
    Answer<Data>
  >()
  if (data == null || errors !== undefined) throw new Error(errors?.[0]?.message ?? 'Vendure gave no data')
  return data
}

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` } }
}

/** An error of GraphQL has no result, and a code of its own. */
function resultOf(answer: HttpAnswer): Result {
  const { data, errors } = answer.json<Answer<{ readonly result: Result }>>()
  const [error] = errors ?? []
  if (error === undefined && data != null) return data.result
  return { errorCode: error?.extensions?.code ?? `HTTP_${answer.status}`, message: error?.message ?? '' }
}

/** "Sold out" has a code of its own when a thing enters the cart, and is a sentence when the order goes to payment. */
function refusalOf({ errorCode = '', message = '', transitionError = '' }: Result): Refusal {
  const isSoldOut = errorCode === 'INSUFFICIENT_STOCK_ERROR' || /insufficient stock/i.test(transitionError)
  if (isSoldOut) return { outcome: 'soldOut', answer: errorCode }
  return errorCode.endsWith('_ERROR') && errorCode !== 'INTERNAL_SERVER_ERROR'
    ? { outcome: 'refused', answer: errorCode }
    : { outcome: 'unknown', answer: `${errorCode} ${message}` }
}

const PAGE = 1000

/** All orders with the item, carts too: a payment may stand on one. */
async function ordersSince(http: Call['http'], item: Item): Promise<readonly OrderRow[]> {
  const rows: OrderRow[] = []
  for (let skip = 0; ; skip += PAGE) {
    const variables = { since: item.createdAt, skip, take: PAGE }
    const { orders } = await admin<{ orders: { items: OrderRow[] } }>(
      http,
      item.adminToken,
      ADMIN.orders,
      variables,
    )
    rows.push(...orders.items.filter(({ lines }) => unitsIn(lines, item) > 0))
    if (orders.items.length < PAGE) return rows
  }
}

function unitsIn(lines: OrderRow['lines'], item: Item): number {
  return lines
    .filter(({ productVariant }) => productVariant.id === item.variant)
    .reduce((sum, { quantity }) => sum + quantity, 0)
}

function orderOf(row: OrderRow, item: Item): Order {
  return {
    id: row.id,
    ...(row.customer === null ? {} : { buyer: row.customer.emailAddress }),
    units: unitsIn(row.lines, item),
    cents: row.totalWithTax,
    at: row.orderPlacedAt ?? row.createdAt,
  }
}

/** Those of a cancelled order go back by a refund, which is not looked at here. */
function paymentsOf({ id: order, state, payments }: OrderRow): readonly Payment[] {
  if (state === 'Cancelled') return []
  return (payments ?? [])
    .filter((payment) => ['Authorized', 'Settled'].includes(payment.state))
    .map(({ id, amount }) => ({ id, order, cents: amount }))
}
