import type { Client } from 'pg'
import { type Call, ISOLATION_LEVELS, type Race } from '../race.ts'
import { firstValue, session, smaller } from './world.ts'

const FITS = ['offers-and-slots-fit']

export const OFFERS_AND_SLOTS: readonly Race[] = [
  {
    name: 'last place of an offer',
    story: 'Two guests, one place: one has it, the other is told.',
    guarantees: FITS,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { businessId }) => {
      const claim = claimOf(await addOffer(client, businessId, 1), 'claim')
      return { sessions: [session('guest 1', claim), session('guest 2', claim)] }
    },
    ends: ['success | INSUFFICIENT_SPOTS', 'INSUFFICIENT_SPOTS | success'],
  },
  {
    name: 'last cover of a slot',
    story: 'Two guests, one cover: one sits, the other is told.',
    guarantees: FITS,
    isolations: ISOLATION_LEVELS,
    prepare: async (client) => {
      const book = bookingOf(await addSlot(client, 1), 'book')
      return { sessions: [session('guest 1', book), session('guest 2', book)] }
    },
    ends: ['success | SLOT_FULL', 'SLOT_FULL | success'],
  },
  {
    name: 'offer made smaller',
    story:
      'An offer for two becomes one for one while two guests claim it: it is never smaller than its claims.',
    guarantees: FITS,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { businessId }) => {
      const offerId = await addOffer(client, businessId, 2)
      return {
        sessions: [
          session('organiser', smaller('discounts', 'total_people', offerId)),
          session('guests', claimOf(offerId, 'claim'), claimOf(offerId, 'claim again')),
        ],
      }
    },
    ends: ['written | success + INSUFFICIENT_SPOTS', '23514 | success + success'],
  },
  {
    name: 'slot made smaller',
    story:
      'A slot for two becomes one for one while two guests book it: it is never smaller than its bookings.',
    guarantees: FITS,
    isolations: ISOLATION_LEVELS,
    prepare: async (client) => {
      const slot = await addSlot(client, 2)
      return {
        sessions: [
          session('organiser', smaller('slots', 'capacity', slot.id)),
          session('guests', bookingOf(slot, 'book'), bookingOf(slot, 'book again')),
        ],
      }
    },
    ends: ['written | success + SLOT_FULL', '23514 | success + success'],
  },
]

function addOffer(client: Client, businessId: string, places: number): Promise<string> {
  return firstValue(
    client,
    `insert into discounts (business_id, title, total_people) values ($1, 'Offer', $2) returning id`,
    [businessId, places],
  )
}

function claimOf(offerId: string, name: string): Call {
  return { name, sql: 'select claim_offer_spots_atomically($1, 1)', values: [offerId] }
}

interface Slot {
  readonly id: string
  readonly business_id: string
  readonly date: string
}

/** A slot with so many covers, of a restaurant of its own. */
function addSlot(client: Client, covers: number): Promise<Slot> {
  return firstValue(
    client,
    `with b as (insert into businesses (slug, name) values (gen_random_uuid()::text, 'Restaurant') returning id)
     insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
     select id, current_date + 30, '19:00', '22:00', $1, 2 from b
     returning jsonb_build_object('id', id, 'business_id', business_id, 'date', date)`,
    [covers],
  )
}

function bookingOf({ business_id, date }: Slot, name: string): Call {
  return {
    name,
    sql: `select book_slot_atomically($1, $2, '19:30', 1, 'Guest')`,
    values: [business_id, date],
  }
}
