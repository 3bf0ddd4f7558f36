'use server'

/**
 * A server action, as Next.js calls it from `<form action={…}>` with `useActionState`. The page draws a key for each form that it shows,
 * `<input type="hidden" name="key" value={drawKey()} />`: who presses twice, or comes back after a lost answer, has one order.
 */
import { createClient } from 'admit-once/client'

const tickets = createClient({ url: process.env['SUPABASE_URL'] ?? 'http://127.0.0.1:54321' })

export interface Bought {
  /** Where the buyer goes now: to the pay page, or to the order where it is free. */
  readonly goTo?: string
  readonly message?: string
}

export async function buy(_before: Bought, form: FormData): Promise<Bought> {
  const field = (name: string) => String(form.get(name) ?? '')
  const { data, error } = await tickets.call(
    'create-ticket-checkout',
    {
      eventId: field('event'),
      items: [{ tierId: field('tier'), quantity: Number(field('quantity')) }],
      customerName: field('name'),
      customerEmail: field('email'),
    },
    { idempotencyKey: field('key') },
  )
  if (error === null) return { goTo: data.url }
  switch (error.code) {
    case 'INSUFFICIENT_TICKETS':
      return { message: 'So many are not left.' }
    default:
      return {
        message: error.outcome === 'unknown' ? 'Please press again: it stays one order.' : error.message,
      }
  }
}
