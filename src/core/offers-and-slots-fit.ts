import type { Guarantee } from './guarantee.ts'

/** The two smaller kinds of scarce thing. */
export const OFFERS_AND_SLOTS_FIT: Guarantee = {
  number: 6,
  name: 'offers-and-slots-fit',
  promise:
    'Claims never exceed the places of an offer, nor one a person where it says so; bookings never the covers of a slot.',
  laws: ['offers_and_slots_fit'],
  scenarios: ['offer-rush', 'slot-rush'],
  protections: [
    {
      name: 'decision under the offer lock',
      role: 'refuses',
      kind: 'decision',
      object: 'ticketing.claim_offer_spots_atomically',
      without: [
        [
          'ticketing.claim_offer_spots_atomically',
          "perform ticketing.lock_key('offer:' || p_discount_id);",
          '',
        ],
        [
          'ticketing.claim_offer_spots_atomically',
          'elsif v_offer.people_remaining < p_party_size then',
          'elsif false then',
        ],
        ['ticketing.claim_offer_spots_atomically', 'elsif v_claim_id is not null then', 'elsif false then'],
      ],
    },
    {
      name: 'decision under the slot lock',
      role: 'refuses',
      kind: 'decision',
      object: 'ticketing.book_slot_atomically',
      uses: [
        ...['ticketing.best_slot', 'ticketing.slots_for', 'ticketing.slots_at', 'ticketing.slots_on'],
        'ticketing.is_open',
      ],
      without: [
        [
          'ticketing.book_slot_atomically',
          "perform ticketing.lock_key('slot:' || v_slot_id || ':' || to_char(p_date, 'YYYY-MM-DD'));",
          '',
        ],
        ['ticketing.book_slot_atomically', 'elsif p_party_size > v_slot.room then', 'elsif false then'],
      ],
    },
    { name: 'trg_check_offer_spots', role: 'refuses', kind: 'trigger', object: 'public.offer_claims' },
    { name: 'trg_check_offer_size', role: 'refuses', kind: 'trigger', object: 'public.discounts' },
    { name: 'uniq_claim_person', role: 'refuses', kind: 'index', object: 'public.offer_claims' },
    { name: 'trg_copy_claim_rule', role: 'guards', kind: 'trigger', object: 'public.offer_claims' },
    { name: 'trg_claim_legal_change', role: 'guards', kind: 'trigger', object: 'public.offer_claims' },
    { name: 'check_claimed_people_fit', role: 'refuses', kind: 'constraint', object: 'public.discounts' },
    { name: 'trg_check_slot_capacity', role: 'refuses', kind: 'trigger', object: 'public.reservations' },
    { name: 'trg_check_slot_size', role: 'refuses', kind: 'trigger', object: 'public.slots' },
    { name: 'trg_check_slot_times', role: 'guards', kind: 'trigger', object: 'public.slots' },
    {
      name: 'trg_reservation_legal_change',
      role: 'guards',
      kind: 'trigger',
      object: 'public.reservations',
    },
    { name: 'check_booked_people_fit', role: 'refuses', kind: 'constraint', object: 'ticketing.slot_days' },
    { name: 'trg_sync_claimed_people', role: 'counts', kind: 'trigger', object: 'public.offer_claims' },
    { name: 'trg_sync_claimed_people_upd', role: 'counts', kind: 'trigger', object: 'public.offer_claims' },
    { name: 'trg_sync_claimed_people_del', role: 'counts', kind: 'trigger', object: 'public.offer_claims' },
    {
      name: 'trg_sync_booked_people',
      role: 'counts',
      kind: 'trigger',
      object: 'public.reservations',
      uses: ['ticketing.count_booked_people'],
    },
    {
      name: 'trg_sync_booked_people_upd',
      role: 'counts',
      kind: 'trigger',
      object: 'public.reservations',
      uses: ['ticketing.count_booked_people'],
    },
    {
      name: 'trg_sync_booked_people_del',
      role: 'counts',
      kind: 'trigger',
      object: 'public.reservations',
      uses: ['ticketing.count_booked_people'],
    },
    { name: 'trg_sync_slot_days', role: 'counts', kind: 'trigger', object: 'public.slots' },
    { name: 'trg_guard_counters', role: 'guards', kind: 'trigger', object: 'public.discounts' },
    { name: 'trg_guard_counters_ins', role: 'guards', kind: 'trigger', object: 'public.discounts' },
    { name: 'trg_guard_counters', role: 'guards', kind: 'trigger', object: 'ticketing.slot_days' },
    { name: 'trg_guard_counters_ins', role: 'guards', kind: 'trigger', object: 'ticketing.slot_days' },
    { name: 'trg_guard_counters_del', role: 'guards', kind: 'trigger', object: 'ticketing.slot_days' },
    { name: 'trg_refuse_truncate', role: 'guards', kind: 'trigger', object: 'public.offer_claims' },
    { name: 'trg_refuse_truncate', role: 'guards', kind: 'trigger', object: 'public.reservations' },
    { name: 'trg_refuse_truncate', role: 'guards', kind: 'trigger', object: 'ticketing.slot_days' },
  ],
}
