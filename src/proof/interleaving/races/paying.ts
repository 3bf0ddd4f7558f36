import type { Client } from 'pg'
import { ISOLATION_LEVELS, type Race } from '../race.ts'
import { firstValue, hold, paidEvent, placeOrder, report, sellTicket, session } from './world.ts'

const PAID = ['paid-once-issued-once', 'books-balance']

export const PAYING: readonly Race[] = [
  {
    name: 'payment after its time',
    story:
      'The time of an order is over: its payment, the job that ends it, and a rival who wants the ticket. One has it, or all money goes back.',
    guarantees: [...PAID, 'never-oversold', 'holds-hold'],
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const { order, tierId } = await placeOrder(client, eventId)
      await lapse(client, order.order_id)
      return {
        sessions: [
          session('job', {
            name: 'expire',
            sql: 'select expire_ticket_holds(), ticketing.expire_orders()',
            told: () => 'done',
          }),
          report('provider', paidEvent(order)),
          session('rival', hold('hold', [tierId])),
        ],
      }
    },
    ends: ['done | ISSUED | INSUFFICIENT_TICKETS', 'done | RETURNED | success'],
  },
  {
    name: 'webhook twice',
    story: 'One event of the provider comes twice at once: it has its effect once.',
    guarantees: PAID,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const { order } = await placeOrder(client, eventId)
      const event = paidEvent(order)
      return {
        sessions: [report('first', event), report('second', event)],
        stands: standOf(order.order_id),
      }
    },
    ends: ['ISSUED | duplicate → order paid, ticket valid', 'duplicate | ISSUED → order paid, ticket valid'],
  },
  {
    name: 'payment told by three events',
    story: 'One payment, told twice by one event and once by another: its ticket is issued once.',
    guarantees: PAID,
    isolations: ['read committed'],
    prepare: async (client, { eventId }) => {
      const { order } = await placeOrder(client, eventId)
      const event = paidEvent(order)
      return {
        sessions: [
          report('first', event),
          report('second', event),
          report('third', paidEvent(order, 'checkout.session.async_payment_succeeded')),
        ],
        stands: standOf(order.order_id),
      }
    },
    ends: [
      'ISSUED | duplicate | ALREADY_ISSUED → order paid, ticket valid',
      'duplicate | ISSUED | ALREADY_ISSUED → order paid, ticket valid',
      'ALREADY_ISSUED | duplicate | ISSUED → order paid, ticket valid',
      'duplicate | ALREADY_ISSUED | ISSUED → order paid, ticket valid',
    ],
  },
  {
    name: 'order given up against payment',
    story:
      "A buyer gives an order up while its payment arrives, and a rival wants its ticket: as long as it can be paid the ticket is nobody else's.",
    guarantees: [...PAID, 'never-oversold'],
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const { order, tierId } = await placeOrder(client, eventId)
      return {
        sessions: [
          session('buyer', {
            name: 'cancel_order',
            sql: 'select ticketing.cancel_order($1)',
            values: [order.order_id],
          }),
          report('provider', paidEvent(order)),
          session('rival', hold('hold', [tierId])),
        ],
        stands: standOf(order.order_id),
      }
    },
    ends: [
      'success | ISSUED | INSUFFICIENT_TICKETS → order paid, ticket valid',
      'ORDER_PAID | ISSUED | INSUFFICIENT_TICKETS → order paid, ticket valid',
    ],
  },
  {
    name: 'event cancelled against payment',
    story: 'An event is called off while a payment for it arrives: all of the money goes back.',
    guarantees: PAID,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { businessId }) => {
      const eventId = await firstValue<string>(
        client,
        `insert into events (business_id, slug, title, start_at, end_at, status)
         values ($1, gen_random_uuid()::text, 'Gala', now() + interval '1 day', now() + interval '2 days', 'published') returning id`,
        [businessId],
      )
      const { order } = await placeOrder(client, eventId)
      return {
        sessions: [
          session('organiser', {
            name: 'cancel_event',
            sql: 'select ticketing.cancel_event($1)',
            values: [eventId],
          }),
          report('provider', paidEvent(order)),
        ],
        // An order that is busy is left to the job.
        afterwards: 'select ticketing.continue_cancellations()',
        stands: standOf(order.order_id),
      }
    },
    ends: [
      'success | RETURNED → order expired, no ticket',
      'success | ISSUED → order paid, ticket refunding',
    ],
  },
  {
    name: 'refund against scan',
    story:
      'A ticket is sent back while its guest stands at the gate: it is used or its money goes back, never both.',
    guarantees: [...PAID, 'admitted-once'],
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId, staffId }) => {
      const { orderId, ticketId } = await sellTicket(client, eventId)
      return {
        sessions: [
          session('clerk', {
            name: 'request_refund',
            sql: 'select ticketing.request_refund($1)',
            values: [orderId],
          }),
          session('gate', {
            name: 'atomic_ticket_checkin',
            sql: 'select atomic_ticket_checkin($1, $2)',
            values: [ticketId, staffId],
          }),
        ],
        stands: standOf(orderId),
      }
    },
    ends: [
      'success | INVALID_STATUS → order paid, ticket refunding',
      'TICKET_USED | success → order paid, ticket used',
    ],
  },
]

/** As if the order's time to pay were over: its hold is due, and nobody has ended it. A hold that is there is not made shorter. */
async function lapse(client: Client, orderId: string): Promise<void> {
  await client.query(
    `with gone as (delete from ticket_holds where order_id = $1 returning *)
     insert into ticket_holds (event_id, tier_id, session_id, order_id, quantity, expires_at)
     select event_id, tier_id, session_id, order_id, quantity, now() - interval '1 minute' from gone`,
    [orderId],
  )
  await client.query(`update orders set expires_at = now() - interval '1 hour' where id = $1`, [orderId])
}

/** The order and its tickets: `order paid, ticket valid`. */
function standOf(orderId: string) {
  return {
    sql: `select concat('order ', o.status, ', ', coalesce((select string_agg('ticket ' || t.status, ', ' order by t.status)
        from tickets t where t.order_id = o.id), 'no ticket')) from orders o where o.id = $1`,
    values: [orderId],
  }
}
