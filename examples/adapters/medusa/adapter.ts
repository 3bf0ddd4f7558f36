/** Medusa 2: buyers use its store API, stock and orders come from its admin API. */
import type { Adapter, Call, HttpAnswer, Order, Payment, Refusal } from 'admit-once/adapter'

interface Item {
  readonly product: string
  readonly variant: string
  readonly inventory: string
  /** By the clock of Medusa. */
  readonly createdAt: string
  readonly region: string
  /** What buyers send, and what staff sends. */
  readonly buyers: { readonly headers: Headers }
  readonly staff: { readonly headers: Headers }
}

interface Cart {
  readonly id: string
}

export const adapter: Adapter<Item, Cart> = {
  name: 'Medusa 2.21.2',
  urls: ['http://127.0.0.1:9000'],
  holds: 'none',
  // A cart that is completed again is answered with its order.
  retry: { means: 'sameOrder', key: 'cart' },
  requestsPerCall: 3,
  // A crowd waits for one lock, and a cart for up to 30 seconds.
  callSecondsMax: 300,
  // What a failed completion undoes is undone after its answer, too.
  settleSeconds: 5,

  prepare: async ({ http, env, name, units }) => {
    const staff = await signIn({ http, env })
    const [place, channel, region, key] = [
      await first(http, staff, 'stock-locations'),
      await first(http, staff, 'sales-channels'),
      await first(http, staff, 'regions'),
      await first(http, staff, 'api-keys', '&type=publishable'),
    ]
    const stock = {
      sku: name,
      requires_shipping: false,
      location_levels: [{ location_id: place.id, stocked_quantity: units }],
    }
    const { inventory_item: inventory } = bodyOf<{ inventory_item: Row }>(
      await http.post('/admin/inventory-items', stock, staff),
    )
    const { product } = bodyOf<{ product: Product }>(
      await http.post('/admin/products', productOf(name, channel.id, inventory.id), staff),
    )
    return {
      product: product.id,
      variant: product.variants[0]?.id ?? '',
      inventory: inventory.id,
      createdAt: product.created_at,
      region: region.id,
      buyers: { headers: { 'x-publishable-api-key': key.token ?? '' } },
      staff,
    }
  },

  open: async ({ http, item, buyer }) => {
    const wish = {
      region_id: item.region,
      email: buyer.email,
      items: [{ variant_id: item.variant, quantity: 1 }],
    }
    const created = await http.post('/store/carts', wish, item.buyers)
    if (created.status !== 200) return refusalOf(created)
    const { cart } = created.json<{ cart: Row }>()
    const collected = await http.post('/store/payment-collections', { cart_id: cart.id }, item.buyers)
    if (collected.status !== 200) return refusalOf(collected)
    const { payment_collection: collection } = collected.json<{ payment_collection: Row }>()
    const sessions = `/store/payment-collections/${collection.id}/payment-sessions`
    const begun = await http.post(sessions, { provider_id: 'pp_system_default' }, item.buyers)
    return begun.status === 200 ? { outcome: 'open', cart: { id: cart.id } } : refusalOf(begun)
  },

  commit: async ({ http, item, cart }) => {
    const answer = await http.post(`/store/carts/${cart.id}/complete`, {}, item.buyers)
    if (answer.status !== 200) return refusalOf(answer)
    const { type, order, error } = answer.json<Completion>()
    return type === 'order' && order !== undefined
      ? { outcome: 'sold', order: order.id }
      : { outcome: 'refused', answer: `200 ${error?.type}` }
  },

  truth: async ({ http, item }) => {
    const orders = await allSince<OrderRow>(http, item, 'orders', ORDER_FIELDS)
    const payments = await allSince<PaymentRow>(http, item, 'payments', PAYMENT_FIELDS)
    const path = `/admin/inventory-items/${item.inventory}/location-levels`
    const { inventory_levels: levels } = bodyOf<{ inventory_levels: Level[] }>(
      await http.get(path, item.staff),
    )
    return {
      orders: orders
        .filter((row) => isOf(row, item) && row.status !== 'canceled')
        .map((row) => orderOf(row, item)),
      payments: payments
        .filter((row) => isOf(row.payment_collection?.cart, item) && row.canceled_at === null)
        .map(paymentOf),
      left: levels.reduce((sum, level) => sum + level.stocked_quantity - level.reserved_quantity, 0),
    }
  },

  cancel: async ({ http, item, order }) => {
    bodyOf(await http.post(`/admin/orders/${order}/cancel`, {}, item.staff))
  },

  /** Medusa deletes nothing that has reservations: it is taken off the shelf. */
  cleanup: async ({ http, item }) => {
    bodyOf(await http.post(`/admin/products/${item.product}`, { status: 'draft' }, item.staff))
  },
}

type Headers = Readonly<Record<string, string>>

interface Row {
  readonly id: string
  /** Of a publishable key. */
  readonly token?: string
}

interface Product extends Row {
  readonly created_at: string
  readonly variants: readonly Row[]
}

interface Completion {
  readonly type: 'order' | 'cart'
  readonly order?: Row
  readonly error?: { readonly type: string }
}

interface Level {
  readonly stocked_quantity: number
  readonly reserved_quantity: number
}

interface Lines {
  readonly items?: readonly { readonly variant_id: string; readonly quantity: number }[] | null
}

interface OrderRow extends Row, Lines {
  readonly email: string
  readonly status: string
  readonly created_at: string
  readonly total: number
}

const ORDER_FIELDS = 'id,email,status,created_at,total,items.variant_id,items.quantity'

/** Found by its cart, as an order may not have come of it. */
interface PaymentRow extends Row {
  readonly amount: number
  readonly canceled_at: string | null
  readonly payment_collection?: { readonly cart?: Lines | null; readonly order?: Row | null } | null
}

const PAYMENT_FIELDS =
  'id,amount,canceled_at,payment_collection.cart.items.variant_id,payment_collection.order.id'

function isOf(lines: Lines | null | undefined, { variant }: Item): boolean {
  return lines?.items?.some(({ variant_id }) => variant_id === variant) ?? false
}

/** Amounts of Medusa are in euros. */
function orderOf({ id, email, created_at, total, items }: OrderRow, { variant }: Item): Order {
  const own = (items ?? []).filter(({ variant_id }) => variant_id === variant)
  const units = own.reduce((sum, { quantity }) => sum + quantity, 0)
  return { id, buyer: email, units, cents: total * 100, at: created_at }
}

function paymentOf({ id, amount, payment_collection }: PaymentRow): Payment {
  const order = payment_collection?.order?.id
  return { id, cents: amount * 100, ...(order === undefined ? {} : { order }) }
}

/** "Sold out" is a code while the cart is made, and a sentence when it is completed. 409: another request completes the cart. */
function refusalOf({ status, text }: HttpAnswer): Refusal {
  const answer = `${status} ${/"type":"(\w+)"/.exec(text)?.[1] ?? ''}`.trim()
  if (/insufficient_inventory|does not have the required inventory|Not enough stock/.test(text))
    return { outcome: 'soldOut', answer }
  if (status === 409) return { outcome: 'busy', answer }
  return { outcome: status < 500 ? 'refused' : 'unknown', answer }
}

async function signIn({ http, env }: Pick<Call, 'http' | 'env'>): Promise<Item['staff']> {
  const email = env['MEDUSA_ADMIN_EMAIL'] ?? 'admin@example.com'
  const password = env['MEDUSA_ADMIN_PASSWORD'] ?? 'supersecret'
  const { token } = bodyOf<{ token: string }>(await http.post('/auth/user/emailpass', { email, password }))
  return { headers: { authorization: `Bearer ${token}` } }
}

async function first(http: Call['http'], staff: Item['staff'], kind: string, filter = ''): Promise<Row> {
  const answer = await http.get(`/admin/${kind}?limit=1${filter}`, staff)
  const [row] = bodyOf<Record<string, Row[]>>(answer)[kind.replace('-', '_')] ?? []
  if (row === undefined) throw new Error(`Medusa has no ${kind}: did seed.mjs run?`)
  return row
}

const PAGE = 100

/** Everything that was made since the item was. */
async function allSince<Kind>(
  http: Call['http'],
  item: Item,
  name: 'orders' | 'payments',
  fields: string,
): Promise<readonly Kind[]> {
  const rows: Kind[] = []
  for (;;) {
    const query = new URLSearchParams({
      fields,
      limit: String(PAGE),
      offset: String(rows.length),
      order: 'created_at',
      'created_at[$gte]': item.createdAt,
    })
    const page =
      bodyOf<Record<string, Kind[]>>(await http.get(`/admin/${name}?${query}`, item.staff))[name] ?? []
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
}

/** A ticket: it needs no shipping, so that a purchase is four requests. */
function productOf(name: string, channel: string, inventory: string) {
  const variant = {
    title: name,
    sku: name,
    manage_inventory: true,
    allow_backorder: false,
    options: { Kind: 'Ticket' },
    prices: [{ amount: 10, currency_code: 'eur' }],
    inventory_items: [{ inventory_item_id: inventory, required_quantity: 1 }],
  }
  const options = [{ title: 'Kind', values: ['Ticket'] }]
  return { title: name, status: 'published', options, sales_channels: [{ id: channel }], variants: [variant] }
}

function bodyOf<Value>(answer: HttpAnswer): Value {
  if (answer.status !== 200) throw new Error(`Medusa answered ${answer.status} ${answer.text.slice(0, 200)}`)
  return answer.json<Value>()
}
