/** One adapter for the three shops: they speak the same API. */
import type { Adapter, Order, Payment } from 'admit-once/adapter'

interface Item {
  readonly id: string
}

interface ItemRows {
  readonly available: number
  readonly orders: readonly (Order & { readonly email: string })[]
  readonly payments: readonly Payment[]
}

export const adapter: Adapter<Item, null> = {
  name: 'A shop of the examples',
  urls: ['http://127.0.0.1:8080'],
  holds: 'none',
  retry: { means: 'sameOrder', key: 'header' },
  requestsPerCall: 1,

  prepare: async ({ http, units }) => (await http.post('/items', { units })).json<Item>(),

  open: async () => ({ outcome: 'open', cart: null }),

  commit: async ({ http, item, buyer }) => {
    const headers = { 'Idempotency-Key': buyer.key }
    const answer = await http.post(`/items/${item.id}/orders`, { email: buyer.email }, { headers })
    if (answer.status === 201) return { outcome: 'sold', order: answer.json<{ order: string }>().order }
    if (answer.status === 409) return { outcome: 'soldOut' }
    return { outcome: 'unknown' }
  },

  truth: async ({ http, item }) => {
    const { available, orders, payments } = (await http.get(`/items/${item.id}`)).json<ItemRows>()
    return { left: available, orders: orders.map((order) => ({ ...order, buyer: order.email })), payments }
  },

  cancel: async ({ http, order }) => {
    await http.post(`/orders/${order}/cancel`)
  },

  pay: async ({ http, order }) => {
    await http.post(`/orders/${order}/payment`, { event: `paid-${order}` })
  },

  cleanup: async ({ http, item }) => {
    await http.send('DELETE', `/items/${item.id}`)
  },
}
